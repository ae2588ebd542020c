"""Tests that are not fanned out: where that is an error, where they are plain, how that shows."""

from __future__ import annotations

import pytest

from .scratch import Scratch, returning

#: One of each kind that cannot be fanned out, and one that can.
KINDS = """
    import unittest

    @pytest.mark.parametrize("n", range(4))
    def test_case(n):
        note("case")
        return n

    async def test_async():
        pass

    class TestUnit(unittest.TestCase):
        def test_unit(self):
            note("unit")

    def test_pytester(pytester):
        note("pytester")

    @pytest.mark.parwork(backend="serial")
    def test_opted_out():
        note("opted out")

    @pytest.mark.thread_unsafe
    def test_unsafe():
        note("unsafe")
"""

QUIET = ("-p", "pytester", "-W", "ignore")


EVERYTHING = ("--parwork-all", "--parwork-backend=threads", "--doctest-glob=*.txt", *QUIET)

REASONS = {
    "test_doc.txt::test_doc.txt": "doctest",
    "test_it.py::test_async": "async",
    "test_it.py::test_pytester": "`pytester`",
    "test_it.py::test_opted_out": "opted out",
    "test_it.py::test_unsafe": "thread_unsafe",
}


def test_one_option_fans_out_a_suite_and_counts_what_runs_plainly(scratch: Scratch) -> None:
    scratch.cases(KINDS)
    scratch.write("test_doc.txt", ">>> 1 + 1\n2\n")

    session = scratch.run(*EVERYTHING, "-v", report=True)

    assert session.counts == {"failed": 1, "passed": 9}  # pytest fails an async test
    found = {entry["id"]: entry["reason"] for entry in session.report["plain"]}
    assert found.items() >= REASONS.items()
    assert scratch.notes().count("case there") == 4
    assert session.title == "parwork: 5 cases fanned out in 1 run, all equal to serial; 5 plain"
    below = session.section[1]
    assert below.startswith("1 compared by outcome only; 5 plain: 1 doctest, 1 async, ")
    assert "(-v lists them)" not in session.text
    listed = session.section.index(
        "plain, opted out: its mark has backend='serial', which opts out of --parwork-all"
    )
    assert session.section[listed + 1] == "  test_it.py::test_opted_out"


def test_without_the_option_nothing_of_it_is_fanned_out_but_the_marked_test(
    scratch: Scratch,
) -> None:
    scratch.cases(KINDS)

    session = scratch.run(*QUIET, report=True)

    assert [run["id"] for run in session.report["runs"]] == ["test_it.py::test_opted_out"]
    assert session.report["runs"][0]["configuration"]["backend"] == "serial"
    assert session.report["plain"] == []


def test_the_title_counts_plain_tests_when_quiet_and_when_nothing_was_fanned_out(
    scratch: Scratch,
) -> None:
    scratch.cases("async def test_it(): pass")

    quiet = scratch.run("--parwork-all", *QUIET, "-q")

    assert quiet.title == "parwork: 0 cases fanned out; 1 plain: 1 async (-v lists them)"


@pytest.mark.parametrize("mark", ["class", "module", "conftest", "ini"])
def test_a_mark_around_a_test_or_the_ini_file_makes_it_plain(scratch: Scratch, mark: str) -> None:
    marked = "@pytest.mark.parwork(backend='threads')"
    module = "pytestmark = pytest.mark.parwork(backend='threads')"
    scratch.cases(f"""
        {module if mark == "module" else ""}
        {marked if mark == "class" else ""}
        class TestIt:
            @pytest.mark.parametrize("n", range(2))
            def test_fits(self, n):
                return n

            async def test_async(self):
                pass
    """)
    if mark == "conftest":
        scratch.write(
            "conftest.py",
            """
            import pytest

            def pytest_collection_modifyitems(items):
                for item in items:
                    item.add_marker(pytest.mark.parwork(backend="threads"))
            """,
        )
    ini = "[pytest]\nparwork_all = true\nparwork_backend = threads\n"
    scratch.write("pytest.ini", ini if mark == "ini" else "[pytest]\n")

    session = scratch.run(*QUIET, report=True)

    assert [entry["reason"] for entry in session.report["plain"]] == ["async"]
    assert sum(len(run["cases"]) for run in session.report["runs"]) == 2


def test_a_mark_on_the_function_itself_keeps_its_error(scratch: Scratch) -> None:
    scratch.cases("@pytest.mark.parwork\nasync def test_it(): pass")

    session = scratch.run("--parwork-all", *QUIET)

    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert "test_it.py::test_it: an async test cannot be fanned out" in session.text


def test_what_is_plain_on_all_backends_runs_once(scratch: Scratch) -> None:
    scratch.cases("""
        def test_pytester(pytester): pass
        def test_patches(monkeypatch): pass
        def test_fits(): pass
    """)

    session = scratch.run(
        "--parwork-all", "--parwork-backend=threads,serial", *QUIET, "-q", report=True
    )

    ids = {id.partition("::")[2] for id in session.cases}
    assert ids == {
        "test_pytester",
        "test_patches[threads]",
        "test_patches[serial]",
        "test_fits[threads]",
        "test_fits[serial]",
    }
    assert [entry["id"] for entry in session.report["plain"]] == [
        "test_it.py::test_pytester",
        "test_it.py::test_patches[threads]",
    ]


@pytest.mark.sweep
def test_plain_tests_are_counted_in_the_processes_of_xdist_too(scratch: Scratch) -> None:
    scratch.cases(KINDS)
    scratch.write("test_doc.txt", ">>> 1 + 1\n2\n")

    session = scratch.run_apart("-p", "xdist", "-n2", *EVERYTHING, report=True)

    found = {entry["id"]: entry["reason"] for entry in session.report["plain"]}
    assert found.items() >= REASONS.items()


def test_a_skipped_test_is_not_plain(scratch: Scratch) -> None:
    scratch.cases("@pytest.mark.skip\nasync def test_it(): pass")

    session = scratch.run("--parwork-all", *QUIET, report=True)

    assert session.report["plain"] == []


UNSENT = """
    import threading

    @pytest.fixture(scope="module")
    def lock():
        return threading.Lock()

    def test_argument(lock):
        note("argument")
        return 1

    def test_result():
        note("result")
        return threading.Lock()

    def test_fits():
        return 1

    def test_fits_too():
        return 2
"""


def test_what_turns_out_not_to_be_sendable_is_plain_and_fails_in_strict_mode(
    scratch: Scratch,
) -> None:
    scratch.cases(UNSENT)
    options = ("--parwork-all", "--parwork-backend=processes:fork", *returning())

    session = scratch.run(*options, report=True)

    assert session.counts["passed"] == 4
    assert {
        entry["id"].partition("::")[2]: entry["reason"] for entry in session.report["plain"]
    } == {
        "test_argument": "arguments that cannot be sent",
        "test_result": "results that cannot be sent",
    }
    (run,) = session.report["runs"]
    assert [case["verdict"] for case in run["cases"]] == ["EQUAL", "EQUAL"]
    assert run["exercised"] is True
    assert scratch.notes().count("argument here") == 1

    strict = scratch.run(*options, "--parwork-strict")
    assert strict.counts["failed"] == 2
    assert "NOT SENT, so it ran plainly, which --parwork-strict does not allow" in strict.out


def test_a_marked_test_that_cannot_be_sent_is_not_plain(scratch: Scratch) -> None:
    scratch.cases("""
        import threading

        @pytest.mark.parwork(backend="processes:fork")
        @pytest.mark.parametrize("n", range(2))
        def test_result(n):
            return threading.Lock()
    """)

    session = scratch.run("--parwork-all", report=True)

    assert session.counts == {"failed": 2}
    assert session.report["plain"] == []


def test_a_backend_that_cannot_start_leaves_a_suite_plain(scratch: Scratch) -> None:
    scratch.cases("def test_one(): return 1\n\ndef test_two(tmp_path): return 2")
    scratch.write(
        "conftest.py",
        """
        class Broken:
            reach = "machine"

            def start(self, workers):
                raise OSError("no processes today")

            def close(self):
                pass

        def pytest_parwork_backends():
            return {"broken": Broken()}
        """,
    )

    session = scratch.run(
        "--parwork-all", "--parwork-backend=broken", "-v", *returning(), report=True
    )

    assert session.counts == {"passed": 2}
    assert {entry["reason"] for entry in session.report["plain"]} == {"a backend that cannot start"}
    assert "no processes today" in session.report["plain"][0]["detail"]


def test_a_value_that_a_mark_around_asks_for_is_dropped_where_it_cannot_be_compared(
    scratch: Scratch,
) -> None:
    scratch.cases("""
        import threading
        pytestmark = pytest.mark.parwork(backend="processes:fork")

        @pytest.mark.parametrize("n", range(2))
        def test_result(n):
            return threading.Lock()
    """)

    session = scratch.run(report=True)

    assert session.counts == {"passed": 2}
    assert len(session.report["plain"]) == 2


@pytest.mark.parametrize("option", ["--parwork-serial", "--setup-only"])
def test_serial_wins_over_all_and_that_is_said(scratch: Scratch, option: str) -> None:
    scratch.cases(KINDS)

    session = scratch.run("--parwork-all", option, *QUIET, "-q", report=True)

    assert session.title == f"parwork: nothing fanned out, because of {option}"
    assert session.report["plain"] == []
    assert not [line for line in scratch.notes() if line.endswith("there")]


def test_an_unknown_backend_for_all_tests_is_an_error_that_names_it(scratch: Scratch) -> None:
    scratch.cases("def test_it(): pass")

    session = scratch.run("--parwork-all", "--parwork-backend=nosuch")

    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert "unknown backend 'nosuch'" in session.text


def test_a_module_that_a_worker_cannot_import_is_one_reason_for_all_its_cases(
    scratch: Scratch,
) -> None:
    scratch.cases("""
        if os.environ.setdefault("IMPORTED", str(os.getpid())) != str(os.getpid()):
            raise RuntimeError("imported twice")

        @pytest.mark.parametrize("n", range(2))
        def test_it(n): pass

        def test_folder(tmp_path): pass
    """)

    session = scratch.run_apart(
        "--parwork-all", "--parwork-backend=processes:spawn", *QUIET, report=True
    )

    assert session.counts == {"passed": 3}
    assert [entry["reason"] for entry in session.report["plain"]] == [
        "modules that a worker cannot import"
    ] * 3
    assert session.report["plain"][0]["detail"] == "RuntimeError: imported twice"


@pytest.mark.parametrize("backend", ["processes:spawn", "processes:fork"])
def test_a_name_that_a_plugin_adds_to_pytest_is_missing_where_no_fork_of_it_runs(
    scratch: Scratch, backend: str
) -> None:
    scratch.write("conftest.py", "import pytest\n\ndef pytest_configure(): pytest.added = abs\n")
    scratch.cases(
        """
        @pytest.mark.parametrize("n", range(2))
        def test_it(n): return pytest.added(-n)

        @pytest.mark.parametrize("n", range(2))
        def test_wrong(n): return pytest.nothing_of_this_name
        """
    )
    session = scratch.run_apart(
        "--parwork-all", f"--parwork-backend={backend}", "-v", *QUIET, report=True
    )
    plain = {entry["id"].partition("[")[0] for entry in session.report["plain"]}
    assert plain == ({"test_it.py::test_it"} if backend == "processes:spawn" else set())
    assert session.counts == {"passed": 2, "failed": 2}, session.text
    if plain:
        assert "a plugin has added 'added' to the module 'pytest'" in session.text


def test_a_generator_as_a_parameter_is_not_used_up_by_a_thread(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parametrize("numbers", [[1, 2], (n for n in [1, 2]), iter([1, 2])])
        def test_it(numbers):
            assert [*numbers] == [1, 2]

        @pytest.fixture
        def doubled(request):
            return [2 * n for n in request.param]

        @pytest.mark.parametrize("doubled", [(n for n in [1]), [1]], indirect=True)
        def test_indirect(doubled):
            assert doubled == [2]
        """
    )
    session = scratch.run("--parwork-all", "--parwork-backend=threads", *QUIET, report=True)
    assert session.counts == {"passed": 5}, session.text
    plain = {entry["id"]: entry["reason"] for entry in session.report["plain"]}
    assert plain == dict.fromkeys(
        ("test_it.py::test_indirect[<genexpr>]", "test_it.py::test_it[<genexpr>]"),
        "arguments that cannot be copied",
    )
