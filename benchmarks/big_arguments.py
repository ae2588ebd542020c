"""One array of 80 MB given to 64 tasks on two processes: how often it is sent."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from joblib import Parallel, delayed
from measure import interleave, repeats, show, timed
from workloads import mean_of_share

from pytest_parwork.backends import bundled
from pytest_parwork.model.work import Configuration, Task, Workload
from pytest_parwork.runner import RunRequest, execute

ARRAY = np.random.default_rng(0).random(10_000_000)
SHARES = 64
CALLS = [(ARRAY, number, SHARES) for number in range(SHARES)]


def serial() -> None:
    """Call one after the other."""
    for arguments in CALLS:
        mean_of_share(*arguments)


def parwork(backend: str) -> Callable[[], None]:
    """Return a run of a backend, start-up and the loading of all values included."""
    tasks = tuple(Task(id=str(call[1]), function=mean_of_share, args=call) for call in CALLS)
    workload = Workload(name="shares", tasks=tasks)
    configuration = Configuration(backend=backend, workers=2)
    request = RunRequest(workload=workload, configuration=configuration)
    adapter = bundled()[backend]

    def run() -> None:
        done = execute(request, adapter)
        assert len(list(done)) == SHARES
        done.outcomes.close()  # type: ignore[attr-defined]  # those of the runner can

    return run


def executor() -> None:
    """Submit by hand: the array is sent with every task."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for future in [pool.submit(mean_of_share, *call) for call in CALLS]:
            future.result()


def pool_map() -> None:
    """Map by hand: the array is sent once per chunk, because a chunk is pickled as a whole."""
    with get_context("spawn").Pool(2) as pool:
        pool.starmap(mean_of_share, CALLS)


def pool_map_one() -> None:
    """Map by hand in chunks of one, as the times of the tasks may ask for."""
    with get_context("spawn").Pool(2) as pool:
        pool.starmap(mean_of_share, CALLS, chunksize=1)


def joblib() -> None:
    """Map by hand: joblib writes large arrays to a file that the workers map."""
    Parallel(n_jobs=2)(delayed(mean_of_share)(*call) for call in CALLS)


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    contenders = {
        "serial": timed(serial),
        "parwork, processes:spawn": timed(parwork("processes:spawn")),
        "parwork, multiprocessing:spawn": timed(parwork("multiprocessing:spawn")),
        "parwork, joblib": timed(parwork("joblib")),
        "joblib.Parallel": timed(joblib),
        "Pool.starmap": timed(pool_map),
        "Pool.starmap, chunks of one": timed(pool_map_one),
        "ProcessPoolExecutor.submit": timed(executor),
    }
    samples = interleave(contenders, count)
    title = f"80 MB to {SHARES} tasks on 2 workers, start-up included"
    show(title, samples, peer="Pool.starmap")


if __name__ == "__main__":
    main()
