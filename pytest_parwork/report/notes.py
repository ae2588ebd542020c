"""What is said of a run below its row of times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from ..machine.cpus import Cpus
from ..model.listing import shorten
from ..model.outcome import Verdict
from .data import RunEntry
from .entries import SKIPPED, CaseEntry
from .figures import counted, duration, percent, ratio
from .markup import Segment

__all__ = ["notes", "why_not_exercised"]

#: Columns of the bar that shows how much of the bound was reached.
BAR = 32


def notes(run: RunEntry, *, room: int, verbosity: int) -> Iterator[Segment]:
    """Yield the notes, each line at most `room` wide, what is bad first."""
    texts = [
        *((text, ("red",)) for text in (_different(run), _lost(run))),
        (_not_exercised(run), ("yellow",)),
        (_outcomes(run), ()),
        *((text, ()) for text in _not_verified(run)),
        *((text, ()) for text in _remarks(run, is_verbose=verbosity > 0)),
        (_how(run), ()),
        (_speed(run), ()),
        *((text, ()) for text in (_details(run) if verbosity > 0 else ())),
    ]
    for text, markup in texts:
        for line in wrap(text, room, break_long_words=False, break_on_hyphens=False):
            yield Segment(text=line, markup=markup)


def _having(run: RunEntry, verdict: Verdict) -> list[CaseEntry]:
    return [case for case in run.cases if case.verdict is verdict]


def _different(run: RunEntry) -> str:
    """Count what differs, and tell the path if it is one for all."""
    cases = _having(run, Verdict.DIFFERENT)
    if not cases:
        return ""
    paths = list(dict.fromkeys(m.path for case in cases for m in case.mismatches))
    text = f"{len(cases)} DIFFERENT"
    if paths and paths[0]:
        place = shorten(paths[0], 40)
        text += f" at {place}" if len(paths) == 1 else f", first at {place}"
    workers = {case.worker for case in cases}
    if len(cases) > 1 and len(workers) == 1 and run.workers_used > 1:
        text += f", all on worker {workers.pop()}"
    return text


def _remarks(run: RunEntry, *, is_verbose: bool) -> Iterator[str]:
    """Tell the notes: of each kind the first and how many cases have it, or each of them."""
    found = [(note, case) for case in run.cases for note in case.notes]
    if is_verbose:
        for note, case in found:
            yield f"note: {_place(case, note.path)}: {note.text}"
        return
    cases = Counter(
        kind for case in run.cases for kind in dict.fromkeys(note.kind for note in case.notes)
    )
    for kind, number in cases.items():
        note, case = next(pair for pair in found if pair[0].kind == kind)
        first = f" (first of {number} cases)" if number > 1 else ""
        yield f"note: {_place(case, note.path)}: {note.text}{first}"


def _place(case: CaseEntry, path: str) -> str:
    """Name a part of what a case returned, by the name of the case alone."""
    name = case.id.rpartition("::")[2]
    return f"{shorten(name, 40)} at {shorten(path, 40)}" if path else shorten(name, 40)


def _lost(run: RunEntry) -> str:
    """Count what was lost, with the reason if it is one for all."""
    cases = _having(run, Verdict.LOST)
    if not cases:
        return ""
    details = list(dict.fromkeys(case.lost["detail"] for case in cases if case.lost))
    first = "first: " if len(details) > 1 else ""
    return f"{len(cases)} LOST" + (f", {first}{shorten(details[0], 160)}" if details else "")


def _not_exercised(run: RunEntry) -> str:
    if run.exercised is not False:
        return ""
    return f"NOT EXERCISED: {why_not_exercised(run)} Equal proves nothing here.{_crowding(run)}"


def why_not_exercised(run: RunEntry) -> str:
    """Return in a sentence why the cases of a run did not meet, and what helps."""
    batches = Counter(case.batch for case in run.cases if case.interval is not None)
    ran = batches.total()
    if ran == 1:
        return "one case alone meets no other; parametrize the test."
    if ran == len(batches):
        return (
            f"each of the {ran} cases ran alone, with a value of its own of a fixture wider than "
            "function scope; give that function scope, or parametrize the test further."
        )
    if run.granted == 1:
        if run.budget is not None and run.budget.is_capped:
            return f"there was one worker only, {run.budget.source}; allow 2 or more."
        return "there was one worker only; ask for 2 or more."
    if run.workers_used == 1:
        return f"1 worker ran all {ran} cases."
    return "no two cases were in workers' hands at once."


def _crowding(run: RunEntry) -> str:
    """Advise fewer workers where they are more than what they have to run on."""
    budget = run.budget
    if budget is None or run.granted <= max(2, budget.cpus):
        return ""
    cpus = Cpus(number=budget.cpus, limit=budget.cpus_limit)
    return f" {run.granted} workers on {cpus}: try workers={max(2, budget.cpus)}."


def _outcomes(run: RunEntry) -> str:
    """Count the equal outcomes where the row counts equal values."""
    compared = Counter(case.compared for case in _having(run, Verdict.EQUAL))
    if not compared["outcomes"] or not compared["values"]:
        return ""
    return f"{counted(compared['outcomes'], 'outcome')} equal (no value returned)"


def _not_verified(run: RunEntry) -> Iterator[str]:
    for why, number in Counter(case.why for case in _having(run, Verdict.NOT_VERIFIED)).items():
        if why == SKIPPED:
            yield f"{number} skipped"
        else:
            yield f"{number} not verified" + (f": {why}" if why else "")


def _how(run: RunEntry) -> str:
    """Tell how values were compared, or that there were none, and the workers."""
    equal = {case.compared for case in _having(run, Verdict.EQUAL)}
    parts = ["no value returned"] if equal == {"outcomes"} else []
    if any(case.compared == "values" and not case.is_skipped for case in run.cases):
        parts.append(run.policy.removesuffix("()"))
    if run.facts:
        workers = f"{run.workers_used} of {counted(run.granted, 'worker')}"
        # A bare name starts workers one way here and another way there.
        if run.start_method in {"fork", "spawn", "forkserver"} - set(run.backend.split(":")):
            workers += f" by {run.start_method}"
        if run.budget is not None and run.budget.is_capped:
            workers += f", {run.budget.source}"
        if run.together is not None:
            workers += f", together {percent(run.together)} of the time"
        parts.append(workers)
    return "; ".join(parts)


def _speed(run: RunEntry) -> str:
    """Tell what the speed-up is bound by, or why there is none."""
    if run.xdist:
        return "xdist shared the cases among its processes: no measure of speed"
    timing = run.timing
    if run.verdict not in (Verdict.EQUAL, Verdict.NOT_VERIFIED) or run.granted < 2:
        return ""
    if timing.speedup is None or not timing.bound_share:
        return ""
    if run.is_slower and (hint := _slowness(run)):
        return hint
    bar = ("#" * round(min(timing.bound_share, 1) * BAR)).ljust(BAR, "-")
    best = ratio(timing.speedup / timing.bound_share)
    return f"bound {best}  [{bar}] {percent(timing.bound_share)} reached"


def _slowness(run: RunEntry) -> str:
    """Tell what a case costs beside its work, if that is what makes the run slow.

    Seconds of a worker that are no case's go to handing over (and waiting for it). Where the
    cases last so much longer than serially that this takes more, they are in each other's way. A
    bound of more than half of the time means that one long case leaves nothing to gain.
    """
    timing = run.timing
    both = [
        (case.serial, case.parallel)
        for case in run.cases
        if case.serial is not None and case.parallel is not None
    ]
    if not both or timing.parallel is None or (timing.bound_share or 1) > 0.5:
        return ""
    work, taken = (sum(seconds) / len(both) for seconds in zip(*both, strict=True))
    ran = sum(case.parallel is not None for case in run.cases)
    handing_over = timing.parallel * run.granted / ran - taken
    if taken - work > handing_over:
        return (
            f"a case takes {duration(work)} serially and {duration(taken)} beside others:"
            " they are in each other's way"
        )
    # A case takes (work + handing over) / workers of the wall, which is less than its work from
    # here on.
    pays = float(f"{handing_over / (run.granted - 1):.1g}")
    return (
        f"a case is {duration(work)} of work and {duration(handing_over)} of handing over;"
        f" {run.label} pays from about {duration(pays)} a case"
    )


def _details(run: RunEntry) -> Iterator[str]:
    """Yield what -v adds: how the cases fell to the workers, and what is missing."""
    for _, cases in run.batches():
        by_worker = Counter(case.worker for case in cases if case.worker is not None)
        if by_worker:
            yield f"cases by worker: {', '.join(str(by_worker[w]) for w in sorted(by_worker))}"
    if run.budget is not None and not run.budget.is_capped:  # else it is told above
        yield f"workers: {run.budget.source}"
    if run.threads is not None:
        yield f"{counted(run.threads, 'native thread')} each, as in the serial run"
    if run.expected is not None and len(run.cases) < run.expected:
        yield f"{len(run.cases)} of {run.expected} cases: too few to judge whether they met"
