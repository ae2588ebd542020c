"""Run the gates of this folder ten times; each has to be DIFFERENT each time.

Prints the cause that was found, how many elements differ, the first place, and the largest error.
On a busy machine the time of the diagnosis may run out without a cause. `tox -e known` runs it with
the versions that have the defects.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

TIMES = 10
GATES = ("test_annoy.py", "test_skimage.py", "test_sklearn_mds.py")
DEADLINE = 300.0


def verdicts(report: Path) -> dict[str, tuple[str, str]]:
    """Return the verdict of each gate with its cause, and the first mismatch in a few words."""
    found = {}
    for run in json.loads(report.read_text(encoding="utf-8"))["runs"]:
        first = run["mismatches"][0] if run["mismatches"] else {}
        place = f"at {first.get('path') or 'the value'}: {first.get('difference', '')}"
        file = Path(run["id"].partition("::")[0]).name
        cause = run["cause"]["name"] if run["cause"] else "no cause"
        found[file] = (
            f"{run['verdict']}, {cause}",
            f"{run['mismatch_count']} mismatches, first {place}",
        )
    return found


def main() -> int:
    seen: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        here = Path(__file__).parent
        for _ in range(TIMES):
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(here)]
            subprocess.run(
                [*command, f"--parwork-report={report}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                timeout=DEADLINE,
                check=False,  # the gates fail: that is what they are for
            )
            for file, (verdict, text) in verdicts(report).items():
                seen[file, verdict] += 1
                print(file, verdict, text, sep="  ", flush=True)
    print(*(f"{file}: {verdict} in {count} of {TIMES}" for (file, verdict), count in seen.items()))
    different: Counter[str] = Counter()
    for (file, verdict), count in seen.items():
        different[file] += count * verdict.startswith("DIFFERENT")
    return int(any(different[file] < TIMES for file in GATES))


if __name__ == "__main__":
    sys.exit(main())
