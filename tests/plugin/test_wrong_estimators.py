"""Deliberately wrong parallel estimators, on each kind of pool, and right ones beside them."""

from __future__ import annotations

import pytest

from .scratch import Scratch


@pytest.fixture(scope="module", autouse=True)
def _dask_is_loaded() -> None:
    """Import it here: a session inside of this process would import it anew."""
    pytest.importorskip("dask.array")


#: An estimator of a mean: right or wrong in one of four ways, on one of the pools.
ESTIMATOR = """
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import joblib
import numpy as np

#: The configuration of the library; each process and thread that is not told has the default.
options = threading.local()

def scale():
    return getattr(options, "scale", 1.0)

def part_of(task):
    numbers, seed, generator, told = task
    before = scale()
    options.scale = before if told is None else told
    if generator is None:
        generator = np.random.default_rng(seed)
    found = float((numbers * generator.random(len(numbers))).sum() * scale())
    options.scale = before  # joblib keeps workers of loky, with what calls leave in them
    return found

def tasks_of(numbers, defect, chunks=4):
    edges = np.linspace(0, len(numbers), chunks + 1).astype(int)
    if defect == "edge":
        edges[1:-1] -= 1
        pairs = [(a + (n > 0), b) for n, (a, b) in enumerate(zip(edges, edges[1:]))]
    else:
        pairs = list(zip(edges, edges[1:]))
    shared = np.random.default_rng(0) if defect == "generator" else None
    told = None if defect == "configuration" else scale()
    return [(numbers[a:b], n, shared, told) for n, (a, b) in enumerate(pairs)]

def serial(tasks):
    return list(map(part_of, tasks))

def threads(tasks, n_jobs):
    with ThreadPoolExecutor(n_jobs) as pool:
        return list(pool.map(part_of, tasks))

def processes(tasks, n_jobs):
    with ProcessPoolExecutor(n_jobs, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(part_of, tasks))

def pool(tasks, n_jobs):
    with multiprocessing.get_context("spawn").Pool(n_jobs) as pool:
        return pool.map(part_of, tasks, chunksize=1)

def bare_threads(tasks, n_jobs):
    found = [None] * len(tasks)
    def run(own):
        for n in own:
            found[n] = part_of(tasks[n])
    begun = [threading.Thread(target=run, args=(range(n, len(tasks), n_jobs),))
             for n in range(n_jobs)]
    for one in begun: one.start()
    for one in begun: one.join()
    return found

def joblib_threading(tasks, n_jobs):
    calls = map(joblib.delayed(part_of), tasks)
    return joblib.Parallel(n_jobs, backend="threading")(calls)

def joblib_loky(tasks, n_jobs):
    calls = map(joblib.delayed(part_of), tasks)
    return joblib.Parallel(n_jobs, batch_size=1)(calls)

def dask_threads(tasks, n_jobs):
    import dask
    with ThreadPoolExecutor(n_jobs) as pool:
        parts = [dask.delayed(part_of)(task) for task in tasks]
        return list(dask.compute(*parts, scheduler="threads", pool=pool))

POOLS = {f.__name__: f for f in (threads, processes, pool, bare_threads, joblib_threading,
                                 joblib_loky, dask_threads)}

def estimate(numbers, kind, defect, n_jobs):
    options.scale = 2.0
    if n_jobs == 1:
        right = tasks_of(numbers, "generator" if defect == "generator" else "")
        return sum(serial(right)) / len(numbers)
    parts = POOLS[kind](tasks_of(numbers, defect), n_jobs)
    if defect == "reduction":
        parts = parts[:-1]
    return sum(parts) / len(numbers)
"""

TEST = """
import numpy as np
import pytest
from estimator import estimate

@pytest.mark.parwork(vary={{"n_jobs": {numbers}}})
@pytest.mark.parametrize("defect", {defects})
@pytest.mark.parametrize("kind", {kinds})
def test_estimate(kind, defect, n_jobs):
    numbers = np.random.default_rng(1).random(4000)
    return estimate(numbers, kind, defect, n_jobs)
"""

DEFECTS = ["edge", "reduction", "configuration", "generator", ""]
THREADS = ["threads", "bare_threads", "joblib_threading", "dask_threads"]
PROCESSES = ["processes", "pool", "joblib_loky"]


@pytest.mark.parametrize(
    "kinds", [THREADS, *(pytest.param([kind], marks=pytest.mark.sweep) for kind in PROCESSES)]
)
def test_each_defect_is_found_on_each_pool(scratch: Scratch, kinds: list[str]) -> None:
    scratch.write("estimator.py", ESTIMATOR)
    # Whether threads interleave in a shared generator is chance, which is no question for a test.
    defects = [defect for defect in DEFECTS if defect != "generator" or kinds is not THREADS]
    numbers = (2, 3) if kinds is THREADS else (2,)
    scratch.write("test_it.py", TEST.format(defects=defects, kinds=kinds, numbers=(1, *numbers)))
    session = scratch.run_apart(report=True)
    for number in numbers:
        run = session.run("test_it.py::test_estimate", f"n_jobs:{number}")
        assert {
            case["id"].partition("[")[2].removesuffix(f"-n_jobs:{number}]"): case["verdict"]
            for case in run["cases"]
        } == {
            f"{kind}-{defect}": "DIFFERENT" if defect else "EQUAL"
            for kind in kinds
            for defect in defects
        }
        for case in run["cases"]:
            (pool,) = case["legs"]["actual"]["pools"]
            assert pool["workers"] == number, case["id"]
            assert case["legs"]["reference"]["pools"] == []
