"""Code under test with libraries that pytest's process used before the fork: it works, or warns."""

from __future__ import annotations

import multiprocessing

import pytest

from .scratch import Scratch, slow

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="it cannot fork"
)

JOBLIB = """
    from joblib import Parallel, delayed

    def square(x):
        return x * x

    def squares(n):
        return Parallel(n_jobs=2)(delayed(square)(x) for x in range(n))

    def test_before():
        assert squares(3) == [0, 1, 4]

    # What joblib says in a daemonic process, where it runs all itself.
    @pytest.mark.filterwarnings("ignore:Loky-backed parallel loops cannot be called")
    @pytest.mark.parwork(backend={backend!r}, workers=2, timeout=30)
    @pytest.mark.parametrize("n", range(2, 5))
    def test_one(n):
        return squares(n)

    @pytest.mark.filterwarnings("ignore:Loky-backed parallel loops cannot be called")
    @pytest.mark.parwork(backend={backend!r}, workers=2, timeout=30)
    @pytest.mark.parametrize("n", range(2, 5))
    def test_two(n):
        return squares(n)
    """


@pytest.mark.sweep  # tests/unit/test_inherited.py asks daily
@pytest.mark.parametrize(
    "backend",
    [
        "processes:fork",
        "isolated:fork",
        "multiprocessing:fork",
        "joblib:multiprocessing",
        slow("isolated:spawn"),
        slow("processes:forkserver"),
    ],
)
def test_joblib_works_again_and_again(scratch: Scratch, backend: str) -> None:
    scratch.cases(JOBLIB.format(backend=backend))
    session = scratch.run_apart("-q", report=True)
    assert session.counts == {"passed": 7}
    for name in ("one", "two"):
        assert session.run(f"test_it.py::test_{name}")["verdict"] == "EQUAL"


@pytest.mark.parametrize("backend", ["isolated:fork", slow("isolated:spawn"), "processes:fork"])
def test_a_worker_ends_in_time_whose_task_left_an_executor_open(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        from concurrent.futures import ProcessPoolExecutor

        EXECUTORS = []

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            EXECUTORS.append(ProcessPoolExecutor(1))
            return EXECUTORS[-1].submit(abs, n).result()

        def test_here():
            for executor in EXECUTORS:
                executor.shutdown()
        """
    )
    session = scratch.run_apart("-q")
    assert session.counts == {"passed": 5}


POLARS = """
    import polars

    def test_before():
        assert len(polars.DataFrame({"a": [3, 1, 2]}).sort("a")) == 3
    """
NUMBA = """
    import numba
    numba.config.THREADING_LAYER = "omp"

    @numba.njit(parallel=True)
    def total(n):
        found = 0
        for x in numba.prange(n):
            found += x
        return found

    def test_before():
        assert total(4) == 6
    """
CASES = """
    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_it(n):
        return n
    """
SHOWN = ("-W", "default::pytest_parwork.ParworkWarning")


def test_polars_is_warned_of_by_name_once_it_has_started_its_threads(scratch: Scratch) -> None:
    pytest.importorskip("polars")
    scratch.cases(POLARS + CASES)
    session = scratch.run_apart(*SHOWN)
    assert session.counts == {"passed": 3, "warnings": 1}
    assert (
        "ParworkWarning: the backend 'processes:fork' forks, but polars has started threads in the "
        "process of pytest, and test_it uses it: a forked worker that uses polars waits for these "
        "threads for ever. Use a backend that does not fork, such as joblib or processes:spawn"
    ) in session.text


def test_polars_that_no_case_can_reach_is_not_warned_of(scratch: Scratch) -> None:
    pytest.importorskip("polars")
    scratch.cases(POLARS, "test_before.py")
    scratch.cases(CASES)
    assert scratch.run_apart().counts == {"passed": 3}


@pytest.mark.parametrize("place", ["conftest.py", "lib.py"])
def test_polars_that_a_case_reaches_by_another_module_is_warned_of(
    scratch: Scratch, place: str
) -> None:
    pytest.importorskip("polars")
    scratch.cases(POLARS, "test_before.py")
    scratch.write(place, "def count():\n    import polars\n")
    scratch.cases(("    import lib\n" if place == "lib.py" else "") + CASES)
    session = scratch.run_apart(*SHOWN)
    assert session.counts == {"passed": 3, "warnings": 1}
    assert f"and {place.removesuffix('.py')} uses it" in session.text


def test_polars_that_has_not_started_works(scratch: Scratch) -> None:
    pytest.importorskip("polars")
    scratch.cases(
        """
        import polars

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            return polars.DataFrame({"a": [3, n, 2]}).sort("a")["a"].to_list()
        """
    )
    assert scratch.run_apart().counts == {"passed": 2}


def test_numba_is_warned_of_where_gnu_openmp_has_started(scratch: Scratch) -> None:
    pytest.importorskip("numba.np.ufunc.omppool")
    scratch.cases(NUMBA + CASES)
    session = scratch.run_apart(*SHOWN)
    assert session.counts == {"passed": 3, "warnings": 1}
    assert "numba has started threads in the process of pytest, and test_it uses" in session.text
    assert "NUMBA_THREADING_LAYER=workqueue" in session.text


def test_executors_of_the_user_work_and_are_no_reason_to_warn(scratch: Scratch) -> None:
    scratch.cases(
        """
        from concurrent.futures import ThreadPoolExecutor
        from multiprocessing.pool import ThreadPool

        EXECUTOR = ThreadPoolExecutor(2)
        POOL = ThreadPool(2)

        def results(n):
            return [*EXECUTOR.map(abs, range(n)), *POOL.map(abs, range(n))]

        def test_before():
            results(3)

        @pytest.mark.parwork(backend=["processes:fork", "isolated:fork"], workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            return results(n)

        def test_after():
            EXECUTOR.shutdown()
            POOL.close()
            POOL.join()
        """
    )
    assert scratch.run_apart().counts == {"passed": 8}


@pytest.mark.skipif(
    multiprocessing.get_context().get_start_method() != "fork",
    reason="the default start method does not fork",
)
@pytest.mark.usefixtures("keeps_helpers")
@pytest.mark.parametrize("backend", ["isolated", "multiprocessing", "processes"])
def test_where_the_user_did_not_choose_to_fork_polars_works(scratch: Scratch, backend: str) -> None:
    pytest.importorskip("polars")
    scratch.cases(
        POLARS
        + f"""
    @pytest.mark.parwork(backend="{backend}", workers=2, timeout=60)
    @pytest.mark.parametrize("n", range(2))
    def test_it(n):
        return polars.DataFrame({{"a": [3, n, 2]}}).sort("a")["a"].to_list()
    """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 3}, session.text
    run = session.run("test_it.py::test_it")
    assert (run["verdict"], run["configuration"]["start_method"]) == ("EQUAL", "forkserver")
    assert (
        "not forked, because other threads were alive: those of polars, which test_it uses; "
        "started by forkserver"
    ) in " ".join(session.out.split())
