"""Fixtures that workers do not support: named before anything starts, with the remedy."""

from __future__ import annotations

import pytest

from .scratch import Scratch

#: Each set of parameters has its own rule, and most end before anything starts.
DAILY_OF_EACH = 100

MARK = "@pytest.mark.parwork(backend='processes:fork', workers=2)\n"

#: A conftest.py with a backend of which parwork knows no more than it says.
OWN_THREADS = """
    from pytest_parwork.backends import PerRun, bundled

    def pytest_parwork_backends():
        return {"own": PerRun(bundled()["threads"].start, reach="process")}
    """


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"{MARK}def test_it(pytester): note('ran')",
            [
                "'pytester' exists only in the main process, not in the worker",
                "remove the marker; or use backend='isolated:fork', where pytest",
            ],
        ),
        (
            f"@pytest.fixture\ndef around(pytester): pass\n{MARK}def test_it(around): note('ran')",
            ["the fixture 'pytester', requested by 'around', exists only"],
        ),
        (f"{MARK}def test_it(capteesys): note('ran')", ["'capteesys'", "use capsys"]),
        (
            "@pytest.fixture(scope='module')\n"
            "def data(): return 1\n"
            "class TestIt:\n"
            "    @pytest.fixture\n"
            "    def data(self, data): return data + 1\n"
            f"    {MARK}    def test_it(self, data): note('ran')",
            [
                "test_it.py::TestIt::test_it: the fixture 'data' (function scope) requests the "
                "module-scoped fixture 'data' it overrides; that one exists only in the main ",
                "Rename one of the two",
            ],
        ),
        (
            f"@pytest.fixture\nasync def later(): return 1\n{MARK}def test_it(later): note('ran')",
            ["the fixture 'later' is async", "asyncio.run()"],
        ),
        (
            "def pytest_generate_tests(metafunc):\n"
            "    class Plugin:\n"
            "        @pytest.fixture\n"
            "        def odd(self): pass\n"
            "    if not metafunc.config.pluginmanager.has_plugin('odd'):\n"
            "        metafunc.config.pluginmanager.register(Plugin(), 'odd')\n"
            "def test_first(): pass\n"
            f"{MARK}def test_it(odd): note('ran')",
            [
                "the fixture 'odd' is a method of <test_it",
                "make it a function; or use backend='isolated:fork'",
            ],
        ),
        (
            "import threading\n"
            "def pytest_generate_tests(metafunc):\n"
            "    lock = threading.Lock()\n"
            "    class Plugin:\n"
            "        @pytest.fixture\n"
            "        @staticmethod\n"
            "        def odd(): return lock\n"
            "    if not metafunc.config.pluginmanager.has_plugin('odd'):\n"
            "        metafunc.config.pluginmanager.register(Plugin(), 'odd')\n"
            "def test_first(): pass\n"
            f"{MARK}def test_it(odd): note('ran')",
            ["the fixture 'odd'", "<lock> is a _thread.lock", "level of its module; or use back"],
        ),
    ],
    ids=[
        "pytester",
        "what asks for pytester",
        "capteesys",
        "override of a wider one",
        "async",
        "method of a plugin",
        "by value",
    ],
)
def test_it_is_a_usage_error(scratch: Scratch, text: str, told: list[str]) -> None:
    scratch.cases(text)
    session = scratch.run("-p", "pytester")
    assert session.code == pytest.ExitCode.USAGE_ERROR
    for part in told:
        assert part in session.text
    assert "Traceback" not in session.text
    assert scratch.notes() == []


@pytest.mark.parametrize("backend", ["threads", "joblib:threading"])
@pytest.mark.parametrize("name", ["monkeypatch", "capsys", "capfd", "recwarn"])
def test_on_threads_what_changes_the_process_is_one_too(
    scratch: Scratch, name: str, backend: str
) -> None:
    scratch.cases(
        f"""
        @pytest.fixture
        def around({name}): pass

        @pytest.mark.parwork(backend=["processes:fork", "{backend}"], workers=2)
        def test_it(around): note("ran")
        """
    )
    session = scratch.run()
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert f"test_it.py::test_it[{backend}]: the fixture {name!r} changes the whole" in session.text
    assert "use a backend with processes, such as joblib" in session.text
    assert scratch.notes() == []


@pytest.mark.parametrize("name", ["monkeypatch", "capsys"])
def test_on_an_own_backend_with_threads_as_on_ours(scratch: Scratch, name: str) -> None:
    scratch.write("conftest.py", OWN_THREADS)
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="own", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, {name}): note("ran")
        """
    )
    session = scratch.run()
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert f"test_it.py::test_it[0]: the fixture {name!r} changes the whole" in session.text
    assert scratch.notes() == []


@pytest.mark.parametrize(
    ("reach", "has"), [("", "no reach"), ("reach = 'thread'", "reach='thread'")]
)
def test_a_backend_that_does_not_say_what_it_shares_is_a_usage_error(
    scratch: Scratch, reach: str, has: str
) -> None:
    scratch.write(
        "conftest.py",
        f"""
        class Own:
            {reach}
            def start(self, workers): raise OSError("not to be started")
            def close(self): pass

        def pytest_parwork_backends():
            return {{"own": Own()}}
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(backend="own", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n): return n
        """
    )
    text = " ".join(scratch.run().text.split())
    assert f"test_it.py::test_it: the backend 'own' (class Own) has {has}; set it to" in text
    assert "'machine' where they are other processes on this machine, 'network' where" in text


def test_a_family_is_asked_for_its_members(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        class Own:
            reach = "machine"
            def named(self, argument): return object()
            def close(self): pass

        def pytest_parwork_backends():
            return {"own": Own()}
        """,
    )
    scratch.cases("@pytest.mark.parwork(backend='own:x')\ndef test_it(): pass")
    assert "the backend 'own:x' (class object) has no reach" in scratch.run().text


def test_levels_of_loggers_cannot_be_set_on_threads(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        def test_it(caplog): caplog.set_level("DEBUG")
        """
    )
    session = scratch.run()
    assert session.counts == {"failed": 1}
    assert "caplog sets the level of a logger for the whole process" in session.text


def test_the_serial_backend_may_have_all_of_them(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="serial")
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, monkeypatch, capsys, recwarn):
            monkeypatch.setenv("PATCHED", str(n))
            print(os.environ["PATCHED"])
            return capsys.readouterr().out
        """
    )
    assert scratch.run().counts == {"passed": 2}


def test_what_only_the_serial_run_misses_is_left_to_pytest(scratch: Scratch) -> None:
    scratch.cases(f"{MARK}def test_it(missing): note('ran')")
    session = scratch.run()
    assert session.counts == {"errors": 1}
    assert "fixture 'missing' not found" in session.text


@pytest.mark.parametrize("backend", ["processes:fork", "threads", "isolated:fork"])
def test_a_case_that_asks_for_an_unknown_fixture_takes_no_other_with_it(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        """
        @pytest.fixture
        def asking(unknown): note("set up")

        def test_missing(missing): note("ran")

        def test_asking(asking): note("ran")

        @pytest.mark.parametrize("n", range(3))
        def test_it(n): return n
        """
    )
    session = scratch.run("--parwork-all", f"--parwork-backend={backend}", report=True)
    assert session.counts == {"passed": 3, "errors": 2}
    assert session.report["plain"] == []
    (run,) = session.report["runs"]
    assert [case["verdict"] for case in run["cases"]] == ["NOT_VERIFIED"] * 2 + ["EQUAL"] * 3
    assert scratch.notes() == []
