"""The fixtures of popular plugins: the same in workers, or plain with the reason.

Each test needs its plugin; `tox -e company` has them.
"""

from __future__ import annotations

import pytest

from .scratch import Scratch, Session, returning

#: Each backend is a kind of its own: threads, forks, fresh processes, pytest itself in a fork.
DAILY_OF_EACH = 4

BACKENDS = ["processes:fork", "processes:spawn", "threads", "isolated:fork"]


@pytest.fixture(autouse=True)
def _keeps(keeps_helpers: None) -> None:
    pass


def run(scratch: Scratch, backend: str, text: str, *options: str, mark: str = "") -> Session:
    """Run the tests in `text` on a backend, all of them reached by a mark of the module."""
    scratch.cases(
        f"pytestmark = pytest.mark.parwork(backend={backend!r}, workers=2{mark})\n"
        f"N = pytest.mark.parametrize('n', range(2))\n{text}"
    )
    quiet = ("-W", "ignore::DeprecationWarning", *returning())
    return scratch.run_apart(*quiet, *options, report=True)


def reasons(session: Session) -> list[str]:
    """Return why tests of the session were plain, each reason once."""
    return sorted({entry["reason"] for entry in session.report["plain"]})


def verdicts(session: Session) -> set[str]:
    return {case["verdict"] for run in session.report["runs"] for case in run["cases"]}


CHANGES = """
import warnings
from unittest import mock

@N
def test_warns(n):
    with pytest.warns(UserWarning, match="x"):
        warnings.warn("x")

@N
@mock.patch("os.getcwd", return_value="/somewhere")
def test_patched(getcwd, n):
    return os.getcwd()

@pytest.fixture
def folder(tmp_path):
    before = os.getcwd()
    os.chdir(tmp_path)
    yield
    os.chdir(before)

@N
def test_folder(n, folder):
    return os.listdir(".")

@N
def test_other(n):
    return n
"""


def test_on_threads_tests_that_change_the_process_are_plain(scratch: Scratch) -> None:
    session = run(scratch, "threads", CHANGES)
    assert session.counts == {"passed": 8}, session.text
    assert reasons(session) == [
        "mock.patch on threads",
        "os.chdir on threads",
        "pytest.warns on threads",
    ]
    assert [run["id"] for run in session.report["runs"]] == ["test_it.py::test_other"]


def test_in_processes_they_are_not(scratch: Scratch) -> None:
    session = run(scratch, "processes:fork", CHANGES)
    assert session.counts == {"passed": 8}, session.text
    assert session.report["plain"] == []
    assert verdicts(session) == {"EQUAL"}


def test_a_test_that_is_marked_itself_was_meant_for_threads(scratch: Scratch) -> None:
    scratch.cases(
        """
        import warnings

        @pytest.mark.parwork(backend="threads", workers=2)
        def test_warns():
            with warnings.catch_warnings():
                return 1
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 1}
    assert session.report["plain"] == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_mocker(scratch: Scratch, backend: str) -> None:
    pytest.importorskip("pytest_mock")
    text = """
def helper(n): return n

@N
def test_it(n, mocker):
    patched = mocker.patch(__name__ + ".helper", return_value=n + 100)
    found = helper(n)
    patched.assert_called_once_with(n)
    return found

@N
def test_fails(n, mocker):
    mocker.patch(__name__ + ".helper").assert_called_once_with(n)
"""
    session = run(scratch, backend, text, "-p", "pytest_mock")
    assert session.counts == {"passed": 2, "failed": 2}, session.text
    assert "DIFFERENT" not in session.text
    if backend == "threads":
        assert reasons(session) == ["`mocker` on threads"]
    else:
        assert session.report["plain"] == []
        assert verdicts(session) == {"EQUAL"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_faker(scratch: Scratch, backend: str) -> None:
    pytest.importorskip("faker")
    text = "@N\ndef test_it(n, faker): return faker.name()\n"
    session = run(scratch, backend, text, "-p", "faker.contrib.pytest.plugin")
    assert session.counts == {"passed": 2}, session.text
    assert verdicts(session) <= {"EQUAL"}


REGRESSIONS = "@N\ndef test_it(n, data_regression): data_regression.check({'n': n})\n"


def regressions(scratch: Scratch, backend: str, *options: str) -> Session:
    for module in ("pytest_regressions", "pytest_datadir"):
        pytest.importorskip(module)
    plugins = ("-p", "pytest_datadir.plugin", "-p", "pytest_regressions.plugin")
    return run(scratch, backend, REGRESSIONS, *plugins, *options)


def stored(scratch: Scratch) -> list[str]:
    """Return the names of the results that are stored next to the test."""
    return sorted(path.name for path in (scratch.path / "test_it").glob("*"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_that_are_stored(scratch: Scratch, backend: str) -> None:
    for n in range(2):
        scratch.write(f"test_it/test_it_{n}_.yml", f"n: {n}\n")
    session = regressions(scratch, backend)
    assert session.counts == {"passed": 2}, session.text
    assert session.report["plain"] == []
    assert verdicts(session) == {"EQUAL"}
    scratch.write("test_it/test_it_1_.yml", "n: 7\n")
    session = regressions(scratch, backend)
    assert session.counts == {"passed": 1, "failed": 1}, session.text
    assert "DIFFERENT" not in session.text


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_worker_never_stores_a_result(scratch: Scratch, backend: str) -> None:
    session = regressions(scratch, backend)
    assert session.counts == {"failed": 2}, session.text  # as in pytest: it has stored them now
    assert stored(scratch) == ["test_it_0_.yml", "test_it_1_.yml"]
    assert "DIFFERENT" not in session.text
    assert len(session.report["plain"]) == 2


@pytest.mark.parametrize("backend", ["threads", "isolated:fork"])
def test_with_an_option_that_stores_results_anew_tests_are_plain(
    scratch: Scratch, backend: str
) -> None:
    session = regressions(scratch, backend, "--force-regen")
    assert session.counts == {"failed": 2}, session.text
    assert reasons(session) == ["--force-regen"]


@pytest.mark.parametrize("backend", ["threads", "isolated:fork", "processes:fork"])
def test_httpserver(scratch: Scratch, backend: str) -> None:
    pytest.importorskip("pytest_httpserver")
    text = """
import urllib.request

@N
def test_it(n, httpserver):
    httpserver.expect_request("/x").respond_with_data(str(n))
    time.sleep(0.05)
    return urllib.request.urlopen(httpserver.url_for("/x")).read()
"""
    session = run(scratch, backend, text, "-p", "pytest_httpserver.pytest_plugin")
    assert session.counts == {"passed": 2}, session.text
    if backend == "threads":
        assert verdicts(session) == {"EQUAL"}
    else:
        assert len(session.report["plain"]) == 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_benchmark_measures_in_the_serial_run_only(scratch: Scratch, backend: str) -> None:
    pytest.importorskip("pytest_benchmark")
    text = """
@N
def test_call(n, benchmark):
    note(f"call {n}")
    return benchmark(abs, -n)

@N
def test_pedantic(n, benchmark):
    benchmark.extra_info["n"] = n
    return benchmark.pedantic(divmod, setup=lambda: ((7, n + 1), {}), rounds=2)
"""
    session = run(scratch, backend, text, "-p", "pytest_benchmark.plugin")
    assert session.counts == {"passed": 4}, session.text
    assert session.report["plain"] == []
    assert verdicts(session) == {"EQUAL"}


def test_times_are_not_available_in_a_worker(scratch: Scratch) -> None:
    pytest.importorskip("pytest_benchmark")
    text = """
@N
def test_it(n, benchmark):
    benchmark(abs, -n)
    assert benchmark.stats.stats.mean >= 0
"""
    session = run(scratch, "processes:fork", text, "-p", "pytest_benchmark.plugin")
    assert session.counts == {"passed": 2}, session.text
    assert len(session.report["plain"]) == 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_assumptions(scratch: Scratch, backend: str) -> None:
    pytest.importorskip("pytest_assume")
    text = """
@N
def test_it(n):
    pytest.assume(n == 0)
    pytest.assume(n == n)
    return n

@N
def test_there(n):
    pytest.assume(n == 0 or is_here())
    return n
"""
    session = run(scratch, backend, text, "-p", "pytest_assume.plugin")
    if backend in ("threads", "processes:spawn"):
        assert session.counts == {"passed": 3, "failed": 1}, session.text
        assert len(session.report["plain"]) == 4
        return
    assert session.counts == {"passed": 2, "failed": 2}, session.text
    assert session.report["plain"] == []
    found = [case["verdict"] for each in session.report["runs"] for case in each["cases"]]
    assert found == ["EQUAL"] * 3 + ["DIFFERENT"]
