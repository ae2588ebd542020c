"""fib(0) to fib(34), in this order, on two processes: at most 0.64 of the serial time.

Half is the bound. The same by hand with the standard library and joblib, in the same process.
Start-up is not counted for any of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from joblib import Parallel, delayed
from measure import interleave, repeats, show, timed
from workloads import fib

from pytest_parwork.backends import bundled
from pytest_parwork.model.work import Configuration, Task, Workload
from pytest_parwork.runner import RunRequest, execute

NUMBERS = range(35)
WORKERS = 2


def serial() -> None:
    """Call one after the other."""
    for n in NUMBERS:
        fib(n)


def parwork(backend: str) -> Callable[[], float]:
    """Return the run of a backend; it returns the seconds that a report would show."""
    tasks = tuple(Task(id=f"fib({n})", function=fib, args=(n,)) for n in NUMBERS)
    workload = Workload(name="fib", tasks=tasks)
    configuration = Configuration(backend=backend, workers=WORKERS)
    request = RunRequest(workload=workload, configuration=configuration)
    adapter = bundled()[backend]

    def run() -> float:
        done = execute(request, adapter)
        assert done[10] == 55
        done.outcomes.close()  # type: ignore[attr-defined]  # those of the runner can
        return done.wall

    return run


def executor() -> float:
    """Map by hand, in chunks of one, on workers that have started."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("fork")) as pool:
        list(pool.map(time.sleep, [0.05] * WORKERS))
        return _seconds(lambda: list(pool.map(fib, NUMBERS)))


def pool_map() -> float:
    """Map by hand, in the chunks that the library chooses."""
    with get_context("fork").Pool(WORKERS) as pool:
        pool.map(time.sleep, [0.05] * WORKERS)
        return _seconds(lambda: pool.map(fib, NUMBERS))


def joblib() -> float:
    """Map by hand; joblib keeps its workers from one run to the next."""
    with Parallel(n_jobs=WORKERS) as parallel:
        parallel(delayed(time.sleep)(0.05) for _ in range(WORKERS))
        return _seconds(lambda: parallel(delayed(fib)(n) for n in NUMBERS))


def _seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    contenders = {
        "serial": timed(serial),
        "parwork, processes": timed(parwork("processes")),
        "parwork, joblib": timed(parwork("joblib")),
        "ProcessPoolExecutor.map": timed(executor),
        "joblib.Parallel": timed(joblib),
        "Pool.map": timed(pool_map),
    }
    samples = interleave(contenders, count)
    show("fib(0) to fib(34) on 2 workers; target 0.64 for processes", samples, peer="serial")


if __name__ == "__main__":
    main()
