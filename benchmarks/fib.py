"""fib(0) to fib(34), in this order, on two processes: at most 0.64 of the serial time.

Half is the bound. The same by hand with the standard library and joblib, in the same process.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from joblib import Parallel, delayed
from measure import Sample, interleave, repeats, show, timed
from workloads import fib

from pytest_parwork.backends import bundled
from pytest_parwork.model import Configuration, Task, Workload
from pytest_parwork.runner import carry_out

NUMBERS = range(35)


def serial() -> list[int]:
    """Call one after the other."""
    return [fib(n) for n in NUMBERS]


def parwork(backend: str) -> Callable[[], Sample]:
    """Return a contender that takes the wall time that a report would tell: start-up apart."""
    tasks = tuple(Task(id=f"fib({n})", function=fib, args=(n,)) for n in NUMBERS)
    workload = Workload(name="fib", tasks=tasks)
    configuration = Configuration(backend=backend, workers=2)
    adapter = bundled()[backend]

    def run() -> Sample:
        walls: list[float] = []

        def carried() -> None:
            outcome = carry_out(workload, configuration, adapter)
            walls.append(outcome.wall)
            if list(outcome) != EXPECTED:
                raise AssertionError(f"{backend} is wrong")
            outcome.outcomes.close()  # type: ignore[attr-defined]  # those of the runner can

        whole = timed(carried)()
        return Sample(wall=walls[0], cpu=whole.cpu)

    return run


def executor() -> Callable[[], Sample]:
    """Return a contender: `ProcessPoolExecutor.map` by hand, in chunks of one."""

    def run() -> Sample:
        with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
            list(pool.map(abs, range(2)))  # started, as parwork's workers are
            return timed(lambda: list(pool.map(fib, NUMBERS)))()

    return run


def pool_map() -> Callable[[], Sample]:
    """Return a contender: `multiprocessing.Pool.map` by hand."""

    def run() -> Sample:
        with get_context("fork").Pool(2) as pool:
            pool.map(abs, range(2))
            return timed(lambda: pool.map(fib, NUMBERS))()

    return run


def joblib_parallel() -> Callable[[], Sample]:
    """Return a contender: `joblib.Parallel` by hand, its workers kept from run to run."""
    return timed(lambda: Parallel(n_jobs=2)(delayed(fib)(n) for n in NUMBERS))


EXPECTED: list[int] = []


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    EXPECTED.extend(serial())
    contenders = {
        "serial": timed(serial),
        "parwork, processes": parwork("processes"),
        "parwork, joblib": parwork("joblib"),
        "ProcessPoolExecutor.map": executor(),
        "joblib.Parallel": joblib_parallel(),
        "Pool.map": pool_map(),
    }
    samples = interleave(contenders, count)
    show("fib(0) to fib(34) on 2 workers; target 0.64 for processes", samples, peer="serial")


if __name__ == "__main__":
    main()
