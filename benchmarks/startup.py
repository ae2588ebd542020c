"""The cost of the plugin for a pytest run that does not use the marker: at most 5 ms.

Whole processes, with and without the plugin; then which modules are imported because of it.
"""

from __future__ import annotations

import statistics

from measure import Sandbox, interleave, repeats, sandbox, show

FEW = "def test_one(): pass\n"

MANY = """
import pytest

@pytest.mark.parametrize("n", range(2000))
def test_square(n):
    assert n * n >= 0
"""

#: `-p` searches the metadata of all installed packages, 3 ms, which an entry point does not cost:
#: so there is a plugin without anything on the other side.
NOTHING = ("-p", "nothing")
PARWORK = ("-p", "pytest_parwork.plugin")

#: Modules that must not be imported for such a run.
HEAVY = ("joblib", "numpy", "dask", "distributed", "cloudpickle", "threadpoolctl")

MODULES = """
import sys
import pytest
pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:], "test_few.py"])
print("modules:", *sorted(sys.modules))
"""


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    files = {"test_few.py": FEW, "test_many.py": MANY, "modules.py": MODULES, "nothing.py": ""}
    with sandbox(files) as box:
        # One process takes 0.3 s and what is looked for is a hundredth of it: many rounds.
        _compare(box, "a run of one test", "test_few.py", 5 * count)
        _compare(box, "a run of 2,000 tests", "test_many.py", count)
        added = _modules(box, *PARWORK) - _modules(box, *NOTHING)
    print("imported because of the plugin:", *sorted(added))
    print("heavy ones among them:", *(sorted(added.intersection(HEAVY)) or ["none"]))


def _compare(box: Sandbox, title: str, file: str, count: int) -> None:
    contenders = {
        "without the plugin": box.pytest(*NOTHING, file),
        "with the plugin": box.pytest(*PARWORK, file),
    }
    samples = interleave(contenders, count)
    show(title, samples, peer="without the plugin")
    pairs = list(zip(*samples.values(), strict=True))
    more = statistics.median(1000 * (with_it.wall - without.wall) for without, with_it in pairs)
    print(f"the plugin adds {more:.1f} ms; target 5 ms\n")


def _modules(box: Sandbox, *arguments: str) -> set[str]:
    output = box.output("modules.py", *arguments).stdout.rpartition("modules:")[2]
    return set(output.split())


if __name__ == "__main__":
    main()
