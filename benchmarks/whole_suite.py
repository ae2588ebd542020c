"""A suite that knows nothing of parwork, with --parwork-all: 150 functions of 10 trivial cases.

There are ten functions a module. Verified, it may take 1.5 times as long as plain pytest on threads
and processes, and 1.8 times on joblib; with `verify=0` no longer than pytest-xdist with two workers
on processes; collection 1.1 times; and 1.3 times the memory. pytest-xdist and pytest-run-parallel,
where it is installed, compare nothing with a serial run.

`joblib.Parallel` of two workers is shown on its own: what joblib costs cannot be saved here.
"""

from __future__ import annotations

from importlib.util import find_spec

from measure import interleave, repeats, sandbox, show

FUNCTION = """
@pytest.mark.parametrize("n", range(10))
def test_{number}(n):
    assert n * n >= 0
"""

MODULES, FUNCTIONS = 15, 10

#: What joblib costs without parwork.
JOBLIB = """
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

if __name__ == "__main__":
    Parallel(2)(delayed(abs)(n) for n in range(10))
    get_reusable_executor().shutdown(wait=True)
"""

#: As in `trivial_cases`.
NOTHING = ("-p", "nothing")
PARWORK = ("-p", "pytest_parwork.plugin", "--parwork-all", "--parwork-workers=2")


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    body = "import pytest\n" + "".join(FUNCTION.format(number=n) for n in range(FUNCTIONS))
    files = {f"test_{number:02}.py": body for number in range(MODULES)}
    with sandbox({"nothing.py": "", "uses_joblib.py": JOBLIB, **files}) as box:
        contenders = {
            "plain serial pytest": box.pytest(*NOTHING),
            "joblib.Parallel alone": box.python("uses_joblib.py"),
            "pytest-xdist -n 2": box.pytest("-p", "xdist.plugin", "-n", "2"),
        }
        if find_spec("pytest_run_parallel") is not None:
            contenders["pytest-run-parallel, 4 threads"] = box.pytest(
                "-p", "pytest_run_parallel.plugin", "--parallel-threads=4"
            )
        for backend in ("threads", "processes", "joblib"):
            chosen = f"--parwork-backend={backend}"
            contenders[f"parwork, {backend}"] = box.pytest(*PARWORK, chosen)
        unverified = ("--parwork-backend=processes", "--parwork-verify=0")
        contenders["parwork, processes, verify=0"] = box.pytest(*PARWORK, *unverified)
        title = "150 functions of 10 trivial cases; target 1.5 and 1.8"
        show(title, interleave(contenders, count), peer="plain serial pytest")
        collecting = {
            "plain collection": box.pytest(*NOTHING, "--collect-only"),
            "parwork, collection": box.pytest(*PARWORK, "--collect-only"),
        }
        show("collection; target 1.1", interleave(collecting, count), peer="plain collection")


if __name__ == "__main__":
    main()
