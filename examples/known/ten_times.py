"""Run each gate of this folder ten times; it has to be DIFFERENT each time, for its known cause.

Prints the cause that was found, how many elements differ, and the first place. `tox -e known` runs
it with the versions that have the defects; names of files run those only. A cause that the time of
the diagnosis did not suffice for, on a busy machine, is no failure; another confirmed one is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

TIMES = 10
DEADLINE = 300.0

#: What is known to be the cause of each, by a control experiment.
CAUSES = {
    "test_annoy.py": {"RANDOM_STREAM"},
    "test_astropy_spawn.py": {"CONTEXT_NOT_PROPAGATED"},
    "test_astropy_threads.py": {"THREAD_RACE"},
    "test_duckdb.py": {"THREAD_RACE"},
    "test_langdetect.py": {"THREAD_RACE"},
    "test_liblinear.py": {"THREAD_RACE"},
    "test_markdown.py": {"CASE_ORDER", "WORKER_HISTORY"},
    "test_mathtext.py": {"THREAD_RACE"},
    "test_mpmath.py": {"THREAD_RACE"},
    "test_msgpack.py": {"THREAD_RACE"},
    "test_networkx.py": {"HASH_SEED"},
    "test_numpy_print.py": {"THREAD_CONTEXT"},
    "test_polars.py": {"NONDETERMINISTIC_FUNCTION"},
    "test_pyplot.py": {"THREAD_RACE"},
    "test_ruamel_yaml.py": {"THREAD_RACE"},
    "test_skimage.py": {"CHUNK_DEPENDENT"},
    "test_sklearn_mds.py": {"RANDOM_STREAM"},
    "test_tokenizers.py": {"THREAD_RACE"},
}


def session(gate: Path, report: Path) -> None:
    """Run a gate in a session of its own: a race spoils what later ones use."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(gate)]
    subprocess.run(
        [*command, f"--parwork-report={report}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=DEADLINE,
        check=False,  # the gates fail: that is what they are for
    )


def outcome(file: str, report: Path) -> tuple[bool, str, str]:
    """Return whether a report is right, the verdict with its cause, and the first mismatch."""
    (run,) = json.loads(report.read_text(encoding="utf-8"))["runs"]
    first = run["mismatches"][0] if run["mismatches"] else {}
    place = f"at {first.get('path') or 'the value'}: {first.get('difference', '')}"
    cause = run["cause"] or {"name": "no cause", "detail": "", "confirmed": False}
    detail = f" ({cause['detail']})" if cause["detail"] else ""
    how = "confirmed" if cause["confirmed"] else "suspected"
    is_known = cause["name"] in CAUSES[file] or not cause["confirmed"]
    return (
        run["verdict"] == "DIFFERENT" and is_known,
        f"{run['verdict']}, {cause['name']}{detail}, {how}",
        f"{run['mismatch_count']} mismatches, first {place}",
    )


def main() -> int:
    """Run all gates, or those that are named, and print how often each gave what."""
    gates = sys.argv[1:] or list(CAUSES)
    is_right = True
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        for file in gates:
            seen: Counter[str] = Counter()
            for _ in range(TIMES):
                session(Path(__file__).parent / file, report)
                right, verdict, text = outcome(file, report)
                is_right &= right
                seen[verdict] += 1
                print(file, verdict, text, sep="  ", flush=True)
                report.unlink()
            print(*(f"{file}: {one} in {n} of {TIMES}" for one, n in seen.items()), sep="\n")
    return int(not is_right)


if __name__ == "__main__":
    sys.exit(main())
