"""The cost of watching every task: 10,000 tasks, compared with the bare library, used well.

Tasks of 1 ms may take 10 % longer, trivial ones in the same batches 4 µs a task more. Tasks are
busy rather than asleep: on as many processors as there are workers, what the runner does is then
taken from them and counts.

Everything counts for both sides, from the call to the list of values: start-up and end of workers
too, which are new in each run, but for joblib's, which it keeps for both. For the trivial tasks the
part from the first task to the last outcome is shown as well, next to a map on workers that have
started.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from joblib import Parallel, delayed
from measure import Contender, Sample, interleave, loops_for, repeats, show, timed
from workloads import spin, successor

from pytest_parwork.backends import bundled
from pytest_parwork.model.outcome import Run
from pytest_parwork.model.work import Configuration, Task, Workload
from pytest_parwork.runner import RunRequest, execute

TASKS = 10_000
WORKERS = 2
SECONDS = 0.001

#: What one message of the libraries carries: 50 ms of tasks of 1 ms, as parwork chooses by itself.
CHUNK = 50

#: The same for trivial tasks.
TRIVIAL_CHUNK = 250

Function = Callable[[int], int]


def parwork(backend: str, function: Function, values: Sequence[int], **settings: Any) -> Run:
    """Run the calls on a backend."""
    tasks = tuple(Task(id=str(n), function=function, args=(v,)) for n, v in enumerate(values))
    configuration = Configuration(backend=backend, workers=WORKERS, **settings)
    workload = Workload(name="calls", tasks=tasks)
    return execute(RunRequest(workload=workload, configuration=configuration), ADAPTERS[backend])


def executor(function: Function, values: Sequence[int], chunk: int) -> tuple[list[int], float]:
    """Map by hand; return the values and the seconds of the map alone, on warm workers."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("fork")) as pool:
        list(pool.map(time.sleep, [0.001] * WORKERS))
        began = time.perf_counter()
        return list(pool.map(function, values, chunksize=chunk)), time.perf_counter() - began


def pool_map(function: Function, values: Sequence[int], chunk: int) -> tuple[list[int], float]:
    """Do the same with a Pool."""
    with get_context("fork").Pool(WORKERS) as pool:
        began = time.perf_counter()
        return pool.map(function, values, chunk), time.perf_counter() - began


def joblib(function: Function, values: Sequence[int], chunk: int) -> tuple[list[int], float]:
    """Do the same with joblib."""
    began = time.perf_counter()
    parallel = Parallel(n_jobs=WORKERS, batch_size=chunk)
    return parallel(delayed(function)(v) for v in values), time.perf_counter() - began


ADAPTERS = bundled()

#: The bare library of each backend.
PEERS = {
    "processes:fork": ("ProcessPoolExecutor.map", executor),
    "multiprocessing:fork": ("Pool.map", pool_map),
    "joblib": ("joblib.Parallel", joblib),
}


def pair(
    backend: str, function: Function, values: Sequence[int], chunk: int, **settings: Any
) -> dict[str, Contender]:
    """Return the contenders of one backend, each from the call to the list of values."""
    name, peer = PEERS[backend]

    def ours() -> None:
        run = parwork(backend, function, values, **settings)
        assert len(list(run)) == TASKS
        run.outcomes.close()  # type: ignore[attr-defined]  # those of the runner can

    def theirs() -> None:
        assert len(peer(function, values, chunk)[0]) == TASKS

    return {
        f"parwork, {backend}": timed(ours, counts_cpu=True),
        name: timed(theirs, counts_cpu=True),
    }


def inner_pair(backend: str, chunk: int) -> dict[str, Contender]:
    """Return the same for trivial tasks, each from the first task to the last outcome."""
    name, peer = PEERS[backend]

    def ours() -> float:
        run = parwork(backend, successor, range(TASKS), chunksize=chunk)
        run.outcomes.close()  # type: ignore[attr-defined]  # those of the runner can
        return run.wall

    return {
        f"parwork, {backend}": timed(ours),
        name: timed(lambda: peer(successor, range(TASKS), chunk)[1]),
    }


def more(what: str, samples: Mapping[str, Sequence[Sample]]) -> None:
    """Print how many microseconds a task the first contender takes more than the second."""
    (name, ours), (_, theirs) = samples.items()
    micro = sorted(
        1e6 * (one.wall - other.wall) / TASKS for one, other in zip(ours, theirs, strict=True)
    )
    print(
        f"  {name}, {what}: {statistics.median(micro):.1f} µs a task more "
        f"({micro[0]:.1f} to {micro[-1]:.1f})"
    )


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    loops = [loops_for(SECONDS)] * TASKS
    for backend, (name, *_) in PEERS.items():
        samples = interleave(pair(backend, spin, loops, CHUNK), count)
        show(f"{TASKS:,} tasks of 1 ms, {WORKERS} workers; target 1.10", samples, peer=name)
    print(f"{TASKS:,} trivial tasks in batches of {TRIVIAL_CHUNK}; target 4 µs")
    for backend in PEERS:
        whole = pair(backend, successor, range(TASKS), TRIVIAL_CHUNK, chunksize=TRIVIAL_CHUNK)
        more("first task to last outcome", interleave(inner_pair(backend, TRIVIAL_CHUNK), count))
        more("everything", interleave(whole, count))


if __name__ == "__main__":
    main()
