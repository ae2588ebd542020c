"""2,000 cases against plain serial pytest: the cost of verifying, and the gain of workers.

Trivial cases, verified, may take 1.35 times as long on threads and 1.5 times on processes; cases of
1 ms that are not verified may take 0.75. pytest-xdist with two workers, which verifies nothing,
is shown for comparison.
"""

from __future__ import annotations

from measure import interleave, repeats, sandbox, show

BACKENDS = ("threads", "processes", "joblib")

TRIVIAL = """
import pytest

{mark}
@pytest.mark.parametrize("n", range(2000))
def test_square(n):
    {what} n * n
"""

BUSY = """
import time
import pytest

{mark}
@pytest.mark.parametrize("n", range(2000))
def test_busy(n):
    until = time.perf_counter() + 0.001
    while time.perf_counter() < until:
        pass
    {what} n * n
"""

MARK = "@pytest.mark.parwork(backend={backend!r}, workers=2, verify={verify})"

#: `-p` searches the metadata of all installed packages, which an entry point does not cost: so
#: there is a plugin without anything on the other side.
NOTHING = ("-p", "nothing")
PARWORK = ("-p", "pytest_parwork.plugin")


def compare(title: str, template: str, *, verify: float, count: int) -> None:
    """Run the tests of a template on each backend, and print."""
    marks = {b: MARK.format(backend=b, verify=verify) for b in BACKENDS}
    files = {
        "nothing.py": "",
        "test_plain.py": template.format(mark="", what="assert 0 <="),
        **{f"test_{b}.py": template.format(mark=mark, what="return") for b, mark in marks.items()},
    }
    with sandbox(files) as box:
        contenders = {
            "plain serial pytest": box.pytest(*NOTHING, "test_plain.py"),
            "pytest-xdist -n 2": box.pytest("-p", "xdist.plugin", "-n", "2", "test_plain.py"),
            **{f"parwork, {b}": box.pytest(*PARWORK, f"test_{b}.py") for b in BACKENDS},
        }
        show(title, interleave(contenders, count), peer="plain serial pytest")


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    compare("2,000 trivial cases; target 1.35 and 1.5", TRIVIAL, verify=1.0, count=count)
    compare("2,000 cases of 1 ms, verify=0; target 0.75", BUSY, verify=0.0, count=count)


if __name__ == "__main__":
    main()
