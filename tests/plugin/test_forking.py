"""Forking alongside threads: rejected, or a warning if the user chose it by name."""

from __future__ import annotations

import multiprocessing

import pytest

from pytest_parwork.backends import bundled

from .scratch import Scratch

pytestmark = pytest.mark.skipif(
    (multiprocessing.get_context().get_start_method() or "") != "fork",
    reason="the default start method does not fork",
)

#: The backends that fork without being asked to by name, and those that need not.
BARE = ["isolated", "joblib:multiprocessing", "multiprocessing", "processes"]
FLEXIBLE = ["isolated", "multiprocessing", "processes"]
BY_NAME = sorted(name for name in bundled() if name.endswith(":fork"))

THREAD = """
    import threading

    def watch():
        ENDED.wait()

    ENDED = threading.Event()

    @pytest.fixture(scope="session", autouse=True)
    def _thread():
        thread = threading.Thread(target=watch, name="poller")
        thread.start()
        yield
        ENDED.set()
        thread.join()
    """
CASES = """
    @pytest.mark.parwork(backend={!r}, workers=2)
    @pytest.mark.parametrize("n", range(4))
    def test_it(n):
        note(n)
        return n
    """
TOLD = "other threads are alive: 'poller' (test_it.watch)"


@pytest.mark.usefixtures("keeps_helpers")
@pytest.mark.parametrize("backend", FLEXIBLE)
def test_where_the_user_did_not_choose_it_workers_start_by_forkserver(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(THREAD + CASES.format(backend))
    session = scratch.run(report=True)
    assert session.counts == {"passed": 4}
    run = session.run("test_it.py::test_it")
    assert (run["verdict"], run["configuration"]["start_method"]) == ("EQUAL", "forkserver")
    said = " ".join(session.out.split())
    assert f"not forked, because {TOLD.replace('are', 'were')}; started by forkserver" in said


@pytest.mark.parametrize("backend", ["joblib:multiprocessing"])
def test_where_the_user_did_not_choose_it_is_rejected(scratch: Scratch, backend: str) -> None:
    scratch.cases(THREAD + CASES.format(backend) + "\n    def test_other(): pass\n")
    session = scratch.run(report=True)
    assert session.counts == {"passed": 1, "failed": 4}
    assert scratch.notes() == []
    cases = session.run("test_it.py::test_it")["cases"]
    assert {case["verdict"] for case in cases} == {"NOT_SENT"}
    (reason,) = {case["not_sent"]["detail"] for case in cases}
    assert reason == (
        f"the backend {backend!r} cannot start 2 workers: they would be forked while "
        f"{TOLD}. A lock that one of these threads holds would stay locked in the workers for "
        f"ever. End the thread first; or use joblib, or a start method by name, such as "
        f"processes:spawn or processes:forkserver (processes:fork forks nevertheless)"
    )
    assert "not run: there is nothing to compare it with" in session.text


@pytest.mark.parametrize("backend", BY_NAME)
def test_where_the_user_asked_for_it_there_is_one_warning(scratch: Scratch, backend: str) -> None:
    scratch.cases(THREAD + CASES.format(backend))
    session = scratch.run("-W", "default::pytest_parwork.ParworkWarning")
    assert session.counts == {"passed": 4, "warnings": 1}
    assert f"ParworkWarning: the backend {backend!r} forks while {TOLD}." in session.text


def test_the_warning_can_be_an_error(scratch: Scratch) -> None:
    scratch.cases(THREAD + CASES.format("processes:fork"))
    session = scratch.run()  # with -W error, as all of these
    assert session.counts == {"failed": 4}
    assert "NOT_SENT: ParworkWarning: the backend 'processes:fork' forks while" in session.text
    assert scratch.notes() == []


@pytest.mark.parametrize("place", ["function", "module", "option"])
def test_the_warning_can_be_silenced(scratch: Scratch, place: str) -> None:
    wanted = "ignore::pytest_parwork.ParworkWarning"
    mark = f"pytest.mark.filterwarnings({wanted!r})"
    before = {"function": f"    @{mark}", "module": f"    pytestmark = {mark}"}.get(place, "")
    scratch.cases(f"{THREAD}\n{before}{CASES.format('processes:fork')}")
    session = scratch.run(*(["-W", wanted] if place == "option" else []))
    assert session.counts == {"passed": 4}


@pytest.mark.parametrize("backend", ["joblib", "processes:spawn", "threads"])
def test_backends_that_do_not_fork_run_as_usual(
    scratch: Scratch, backend: str, keeps_helpers: None
) -> None:
    scratch.cases(THREAD + CASES.format(backend))
    assert scratch.run().counts == {"passed": 4}


def test_calls_are_rejected_and_warned_of_alike(scratch: Scratch) -> None:
    scratch.cases(
        THREAD
        + """
    def test_bare(parwork):
        parwork.map(abs, [-1, 2], backend="joblib:multiprocessing", workers=2)

    def test_named(parwork):
        with pytest.warns(pytest_parwork.ParworkWarning, match="'poller'"):
            assert parwork.map(abs, [-1, 2], backend="processes:fork", workers=2) == [1, 2]

    import pytest_parwork
    """
    )
    session = scratch.run()
    assert session.counts == {"passed": 1, "failed": 1}
    assert TOLD in session.text


@pytest.mark.sweep
def test_runs_of_all_backends_can_follow_one_another(scratch: Scratch, keeps_helpers: None) -> None:
    backends = ["threads", "joblib", "joblib:threading", *BARE, "processes:spawn", *BY_NAME]
    scratch.cases(CASES.format(backends))
    again = ["threads", "joblib", "processes", "processes:spawn"]
    scratch.cases(CASES.format(again).replace("test_it", "test_again"), "test_that_follows.py")
    session = scratch.run()
    assert session.counts == {"passed": 4 * len([*backends, *again])}


def test_a_thread_that_has_ended_is_forgotten(scratch: Scratch) -> None:
    scratch.cases(
        """
        import threading

        @pytest.fixture(scope="module", params=[1, 2])
        def wide(request):
            thread = threading.Thread(target=time.sleep, args=(0.01,))
            thread.start()
            thread.join()
            return request.param

        @pytest.mark.parwork(backend="processes", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n, wide):
            return n * wide
        """
    )
    assert scratch.run().counts == {"passed": 6}


@pytest.mark.sweep  # test_xdist.py asks daily
@pytest.mark.parametrize("backend", BARE)
def test_the_threads_of_xdist_are_no_reason(scratch: Scratch, backend: str) -> None:
    pytest.importorskip("xdist")
    scratch.cases(CASES.format(backend))
    session = scratch.run_apart("-p", "xdist", "-n2")
    assert session.counts == {"passed": 4}
