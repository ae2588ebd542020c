"""Why a run is slower than the serial one, in a sentence with the numbers that show it."""

from __future__ import annotations

from ..model.comparison import FRESH_PROCESS
from .data import RunReport
from .figures import duration
from .overlap import tasks_of


def why_slow(run: RunReport) -> str:
    """Name the overhead of a case, if that is what makes the run slow.

    The seconds of a worker that belong to no case are overhead: sending and waiting. Where a case
    takes longer than serially by more than that, the cases slow each other down. A bound of more
    than half of the time means that one long case leaves nothing to gain.
    """
    timing = run.timing
    serial: list[float] = []
    parallel: list[float] = []
    for case in run.cases:
        for task in case.repeats or (case,):
            if case.serial is not None and task.parallel is not None:
                serial.append(case.serial)
                parallel.append(task.parallel)
    has_stored = any(note.kind == FRESH_PROCESS for case in run.cases for note in case.notes)
    if not serial or has_stored or timing.parallel is None or (timing.bound_share or 1) > 0.5:
        return ""
    work, taken = (sum(seconds) / len(seconds) for seconds in (serial, parallel))
    ran = sum([task.parallel is not None for task in tasks_of(run.cases)])
    overhead = timing.parallel * run.granted / ran - taken
    if taken - work > overhead:
        return (
            f"a case takes {duration(work)} serially and {duration(taken)} alongside others:"
            " the cases slow each other down"
        )
    # A case takes (work + overhead) / workers of wall time: less than its work, from here on.
    pays = float(f"{overhead / (run.granted - 1):.1g}")
    return (
        f"a case is {duration(work)} of work and {duration(overhead)} of overhead;"
        f" {run.label} pays from about {duration(pays)} a case"
    )
