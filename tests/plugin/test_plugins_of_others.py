"""What other plugins do by marks and in hooks: in workers too, or the test is plain."""

from __future__ import annotations

import sys
import types

import pytest

from .scratch import Scratch, Session, returning

DAILY_OF_EACH = 1

BACKENDS = ["processes:fork", "processes:spawn", "threads", "isolated:fork"]

#: A plugin that adds a fixture to the tests with a mark, as pytest-freezer and time-machine do.
ADDING = """
    import pytest

    @pytest.fixture
    def added(request, around):
        mark = request.node.get_closest_marker("adds")  # pytest has one list for all cases
        before, STATE[:] = STATE[:], [mark and mark.args[0], around]
        yield
        STATE[:] = before

    @pytest.fixture(scope="module")
    def around():
        return "made once"

    STATE = ["nothing"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(items):
        for item in items:
            if item.get_closest_marker("adds"):
                item.fixturenames.insert(0, "added")

    def pytest_configure(config):
        config.addinivalue_line("markers", "adds(value)")
    """

ADDED = """
    from conftest import STATE

    N = pytest.mark.parametrize("n", range(2))

    @pytest.mark.adds("of the test")
    @N
    def test_it(n): return list(STATE)

    @pytest.mark.parametrize("n", [0, pytest.param(1, marks=pytest.mark.adds("of a case"))])
    def test_one(n): return list(STATE)

    @N
    def test_other(n): return list(STATE)
    """


def run(scratch: Scratch, backend: str, *options: str) -> Session:
    """Run all tests of the project on a backend."""
    parwork = ("--parwork-all", f"--parwork-backend={backend}", "--parwork-workers=2")
    return scratch.run_apart(*parwork, *returning(), *options, report=True)


def verdicts(session: Session) -> set[str]:
    return {case["verdict"] for run in session.report["runs"] for case in run["cases"]}


def plain(session: Session) -> dict[str, str]:
    """Return the reasons of the tests that were plain, by name."""
    return {entry["id"].rpartition("::")[2]: entry["reason"] for entry in session.report["plain"]}


@pytest.mark.parametrize("backend", [each for each in BACKENDS if each != "threads"])
def test_fixtures_that_a_plugin_adds_for_a_mark_are_set_up_in_workers(
    scratch: Scratch, backend: str
) -> None:
    scratch.write("conftest.py", ADDING)
    scratch.cases(ADDED)
    session = run(scratch, backend)
    assert session.counts == {"passed": 6}, session.text
    assert plain(session) == {}
    assert verdicts(session) == {"EQUAL"}, session.text


#: The packages of plugins that are not installed, each an empty module.
HOOKING = """
    import sys, types
    import pytest

    for name in ("pytest_socket", "pytest_memray"):
        sys.modules[name] = types.ModuleType(name)

    def pytest_configure(config):
        for name in ("disable_socket", "limit_memory", "dependency"):
            config.addinivalue_line("markers", name)
    """

HOOKED = """
    N = pytest.mark.parametrize("n", range(2))

    @pytest.mark.disable_socket
    @N
    def test_socket(n): return n

    @pytest.mark.limit_memory("1 MB")
    @N
    def test_memory(n): return n

    @pytest.mark.parametrize("n", [0, pytest.param(1, marks=pytest.mark.disable_socket)])
    def test_one(n): return n

    @pytest.mark.dependency()
    @N
    def test_first(n): return n

    @pytest.mark.dependency(depends=["test_first[0]"])
    def test_second(): return 1
    """


@pytest.mark.parametrize("backend", ["processes:fork", "isolated:fork"])
def test_marks_whose_plugins_act_in_hooks_make_tests_plain(scratch: Scratch, backend: str) -> None:
    scratch.write("conftest.py", HOOKING)
    scratch.cases(HOOKED)
    session = run(scratch, backend)
    assert session.counts == {"passed": 9}, session.text
    expected = {"test_memory[0]": "`limit_memory`", "test_memory[1]": "`limit_memory`"}
    expected["test_second"] = "`dependency`"
    if backend != "isolated:fork":  # there pytest runs the hooks
        names = ("test_socket[0]", "test_socket[1]", "test_one[1]")
        expected |= dict.fromkeys(names, "`disable_socket`")
    assert plain(session) == expected
    assert verdicts(session) == {"EQUAL"}


def test_a_function_with_both_marks_is_an_error_with_the_remedy(scratch: Scratch) -> None:
    scratch.write("conftest.py", HOOKING)
    marked = "@pytest.mark.parwork\n    @pytest.mark.disable_socket\n    @N"
    scratch.cases(HOOKED.replace("@pytest.mark.disable_socket\n    @N", marked))
    session = scratch.run_apart("-k", "socket")
    assert "the mark 'disable_socket' has its plugin act in hooks around the test" in session.text
    assert "use backend='isolated:fork'" in session.text


#: A plugin that makes tests of the functions inside of others, as pytest-describe does.
MAKING = """
    import types
    import pytest

    class Block(pytest.Module):
        @classmethod
        def from_parent(cls, parent, obj):
            self = super().from_parent(parent, path=parent.path, nodeid=parent.nodeid)
            self.name, self._obj = obj.__name__, types.ModuleType(obj.__name__)
            vars(self._obj).update(obj())
            return self

        def _getobj(self):
            return self._obj

    def pytest_pycollect_makeitem(collector, name, obj):
        if name.startswith("describe_"):
            return Block.from_parent(collector, obj=obj)
    """

MADE = """
    def describe_number():
        @pytest.fixture
        def number(): return 7

        @pytest.mark.parametrize("n", range(2))
        def test_inside(number, n): return number + n

        return locals()

    @pytest.mark.parametrize("n", range(2))
    def test_outside(n): return n
    """


@pytest.mark.parametrize("backend", BACKENDS)
def test_tests_that_are_made_inside_of_functions_are_plain(scratch: Scratch, backend: str) -> None:
    scratch.write("conftest.py", MAKING)
    scratch.cases(MADE)
    session = run(scratch, backend)
    assert session.counts == {"passed": 4}, session.text
    assert len(plain(session)) == (0 if backend == "isolated:fork" else 2), session.text
    assert verdicts(session) == {"EQUAL"}


@pytest.mark.parametrize("backend", ["processes:fork", "joblib"])
def test_the_file_of_a_test_has_its_former_class_too(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        """
        @pytest.fixture
        def places(request):
            assert isinstance(request.fspath, type(request.config.rootdir))
            return request.fspath.basename, request.node.fspath.dirname == str(request.path.parent)

        @pytest.mark.parametrize("n", range(2))
        def test_it(n, places): return places
        """
    )
    session = run(scratch, backend)
    assert session.counts == {"passed": 2}, session.text
    assert plain(session) == {}
    assert verdicts(session) == {"EQUAL"}, session.text


def connection(vendor: str, name: str | None) -> types.SimpleNamespace:
    return types.SimpleNamespace(vendor=vendor, settings_dict={"TEST": {"NAME": name}})


@pytest.mark.parametrize(
    ("vendor", "name", "is_threaded", "is_unshared"),
    [
        ("sqlite", None, False, False),
        ("sqlite", ":memory:", False, False),
        ("sqlite", None, True, True),
        ("sqlite", "test.db", False, True),
        ("postgresql", None, False, True),
    ],
)
def test_only_a_database_in_memory_is_shared_with_forks(
    monkeypatch: pytest.MonkeyPatch,
    vendor: str,
    name: str | None,
    is_threaded: bool,
    is_unshared: bool,
) -> None:
    from pytest_parwork.plugin.cases.company import unshared_database

    connections = types.SimpleNamespace(all=lambda: [connection(vendor, name)])
    database = types.SimpleNamespace(connections=connections)
    monkeypatch.setitem(sys.modules, "django.db", database)
    item: types.SimpleNamespace = types.SimpleNamespace(
        fixturenames=["db"], get_closest_marker=lambda name: None
    )
    assert unshared_database(item, is_threaded=is_threaded) is is_unshared  # type: ignore[arg-type]
    item.fixturenames = ["rf"]
    assert not unshared_database(item, is_threaded=is_threaded)  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["processes:fork", "processes:spawn", "threads"])
def test_names_that_an_item_lacks_are_absent_in_a_worker_too(
    scratch: Scratch, backend: str
) -> None:
    scratch.write(
        "conftest.py",
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if "own" in item.name:
                    item.own_name = item.name

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            setattr(item, f"rep_{report.when}", report)
            return report
        """,
    )
    scratch.cases(
        """
        N = pytest.mark.parametrize("n", range(2))

        @pytest.fixture
        def absent(request): return hasattr(request.node, "dtest"), getattr(request, "x", None)

        @N
        def test_it(n, absent): return absent

        @pytest.fixture
        def known(request): return hasattr(request.node, "own_name")

        @N
        def test_own(n, known): return known

        @pytest.fixture
        def late(request):
            yield
            assert request.node.rep_setup.passed

        @N
        def test_late(n, late): return n
        """
    )
    session = run(scratch, backend)
    assert session.counts == {"passed": 6}, session.text
    names = {f"test_{name}[{n}]" for name in ("own", "late") for n in range(2)}
    assert plain(session).keys() == names, session.text
    assert verdicts(session) == {"EQUAL"}


@pytest.mark.parametrize("backend", ["threads", "joblib:threading"])
def test_a_process_that_a_case_forks_in_a_thread_ends_with_its_own_exit_code(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        """
        import multiprocessing
        import sys

        def leave(code):
            sys.exit(code)

        @pytest.mark.parametrize("code", [0, 3])
        def test_it(code):
            process = multiprocessing.get_context("fork").Process(target=leave, args=(code,))
            process.start()
            process.join(30)
            return process.exitcode
        """
    )
    session = run(scratch, backend, "-W", "ignore::DeprecationWarning")
    assert session.counts == {"passed": 2}, session.text
    assert plain(session) == {}
    assert verdicts(session) == {"EQUAL"}, session.text


#: What pytest-reraise does: a hook around the call raises what a thread has left in the fixture.
RERAISING = """
    import pytest

    @pytest.fixture
    def reraise():
        left = []
        yield left
        if left:
            raise left[0]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(item):
        result = yield
        if left := item.funcargs.get("reraise"):
            raise left.pop()
        return result
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_fixture_that_a_hook_asks_after_the_call_needs_the_hooks_of_pytest(
    scratch: Scratch, backend: str
) -> None:
    scratch.write("pytest_reraise.py", RERAISING)
    scratch.write("conftest.py", "pytest_plugins = 'pytest_reraise'\n")
    scratch.cases(
        """
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, reraise):
            reraise += [ValueError(n)] * n

        def test_other(): pass
        """
    )
    session = scratch.run_apart("--parwork-all", f"--parwork-backend={backend}", report=True)
    assert session.counts == {"passed": 2, "failed": 1}, session.text
    plain = [entry["reason"] for entry in session.report["plain"]]
    assert plain == ([] if backend == "isolated:fork" else ["`reraise`"] * 2)
