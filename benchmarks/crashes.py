"""The cost of crashing tasks: 20 among 2,000 of 1 ms, compared with the same run without them.

At most twice as long where workers are forked, five times where they are new processes. The bare
libraries have no such figure: they give up, or wait for ever. Both sides are measured from the
call to the last outcome and the end of the workers, including start-up; joblib keeps those of its
workers that have not crashed.
"""

from __future__ import annotations

from collections.abc import Callable

from measure import interleave, loops_for, repeats, show, timed
from workloads import spin_or_die

from pytest_parwork.backends import bundled
from pytest_parwork.model.work import Configuration, Task, Workload
from pytest_parwork.runner import RunRequest, execute

#: Tasks of a run. One process a task takes much longer, so there are fewer, and fewer that crash.
TASKS = {
    "processes:fork": 2000,
    "processes:spawn": 2000,
    "multiprocessing:fork": 2000,
    "multiprocessing:spawn": 2000,
    "joblib": 2000,
    "isolated:fork": 500,
    "isolated:spawn": 100,
}

#: One task in so many crashes.
SHARE = 100


def run(backend: str, loops: int, *, crashes: bool) -> Callable[[], None]:
    """Return a run of a backend, with every hundredth task crashing or none."""
    count = TASKS[backend]
    dying = set(range(SHARE // 2, count, SHARE)) if crashes else set()
    tasks = tuple(
        Task(id=str(n), function=spin_or_die, args=(loops, n in dying)) for n in range(count)
    )
    workload = Workload(name="crashes", tasks=tasks)
    configuration = Configuration(backend=backend, workers=2)
    request = RunRequest(workload=workload, configuration=configuration)
    adapter = bundled()[backend]

    def measured() -> None:
        outcomes = execute(request, adapter).outcomes
        lost = {number for number, outcome in enumerate(outcomes) if outcome.lost is not None}
        outcomes.close()  # type: ignore[attr-defined]  # those of the runner can
        assert lost == dying

    return measured


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    loops = loops_for(0.001)
    for backend, tasks in TASKS.items():
        contenders = {
            "without": timed(run(backend, loops, crashes=False), counts_cpu=True),
            f"{tasks // SHARE} crashing": timed(run(backend, loops, crashes=True), counts_cpu=True),
        }
        target = 2 if backend.endswith("fork") else 5
        title = f"{tasks:,} tasks of 1 ms on {backend}, 2 workers; target {target}"
        show(title, interleave(contenders, count), peer="without")


if __name__ == "__main__":
    main()
