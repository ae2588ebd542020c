"""2,000 trivial cases, verified, against plain serial pytest: at most 1.6 times as long.

pytest-xdist with two workers, which verifies nothing, stands beside.
"""

from __future__ import annotations

from measure import interleave, repeats, sandbox, show

PLAIN = """
import pytest

@pytest.mark.parametrize("n", range(2000))
def test_square(n):
    assert n * n >= 0
"""

MARKED = """
import pytest

@pytest.mark.parwork(backend={backend!r}, workers=2)
@pytest.mark.parametrize("n", range(2000))
def test_square(n):
    return n * n
"""


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    files = {
        "test_plain.py": PLAIN,
        "test_threads.py": MARKED.format(backend="threads"),
        "test_processes.py": MARKED.format(backend="processes"),
    }
    with sandbox(files) as box:
        contenders = {
            "plain serial pytest": box.pytest("test_plain.py"),
            "pytest-xdist -n 2": box.pytest("-p", "xdist.plugin", "-n", "2", "test_plain.py"),
        }
        for backend in ("threads", "processes"):
            contenders[f"parwork, {backend}"] = box.pytest(
                "-p", "pytest_parwork.plugin", f"test_{backend}.py"
            )
        samples = interleave(contenders, count)
    show("2,000 trivial cases; target 1.6", samples, peer="plain serial pytest")


if __name__ == "__main__":
    main()
