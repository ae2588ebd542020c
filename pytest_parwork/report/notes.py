"""The notes on a run, which are shown in addition to its figures, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..machine.cpus import Cpus
from ..model.dataclass import dataclass
from ..model.listing import shorten
from ..model.outcome import Verdict
from .associations import associations
from .data import RunReport
from .entries import SKIPPED, CaseEntry
from .figures import counted, duration, percent, ratio
from .power import power_notes, repetition, sampling_advice
from .selftest import control_notes
from .several import of_several_tests, runs_of, why_not_met
from .slowness import why_slow
from .stress import stress_notes
from .timing import Timing
from .variants import Severity, remarks, setting, why_nothing_ran

#: Kinds of notes of cases that only their messages show.
OF_MESSAGES = ("again", "rounding")

#: Fewer serial seconds are too few to say that a machine was busy.
WORTH_SAYING = 0.1

#: How many cases are named that were running when the session was interrupted.
RUNNING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNote:
    """A sentence or less about a run, for a rendering to lay out.

    `kind` says in a word what it is about: `different`, `lost`, `cause`, `speed`, `remark` (a note
    of a case), `association` (what the cases that differ have in common), and so on.
    `reached` is the share that was reached of what the text names, which a rendering may draw.
    """

    severity: Severity = "info"
    kind: str
    text: str
    reached: float | None = None


def notes(run: RunReport, *, is_verbose: bool = False) -> Iterator[RunNote]:
    """Yield the notes on a run, failures first; more notes, and every remark, if verbose."""
    if text := _different(run):
        yield RunNote(severity="error", kind="different", text=text)
    if text := _lost(run):
        yield RunNote(severity="error", kind="lost", text=text)
    if text := _not_sent(run):
        yield RunNote(severity="error", kind="not-sent", text=text)
    for cause in run.causes:
        remedy = f"; {cause.remedy}" if cause.remedy else ""
        yield RunNote(severity="error", kind="cause", text=f"cause: {cause}{remedy}")
    yield from (RunNote(kind="association", text=text) for text in associations(run.cases))
    if run.too_slow:
        yield RunNote(severity="error", kind="too-slow", text=run.too_slow)
    if run.exercised is False:
        why = why_not_exercised(run)
        text = f"NOT EXERCISED: {why} Equal proves nothing here.{_crowding(run)}"
        yield RunNote(severity="warning", kind="not-exercised", text=text)
    if run.variation is not None:
        for severity, kind, text in remarks(run.variation, run.cases):
            yield RunNote(severity=severity, kind=kind, text=text)
    yield from (RunNote(kind="outcomes", text=text) for text in _outcomes(run))
    yield from (RunNote(kind="not-verified", text=text) for text in _not_verified(run))
    yield from (RunNote(kind="power", text=text) for text in power_notes(run.power))
    for severity, text in control_notes(run.selftest):
        yield RunNote(severity=severity, kind="selftest", text=text)
    for severity, text in stress_notes(run.stress):
        yield RunNote(severity=severity, kind="stress", text=text)
    if run.varied:
        names = " or ".join(run.varied)
        text = (
            f"each case is compared with its own serial run: cases with different {names} are not "
            f"compared with one another, as vary= does"
        )
        yield RunNote(kind="varied", text=text)
    yield from (RunNote(kind="remark", text=text) for text in _remarks(run, is_verbose=is_verbose))
    if text := _setting(run):
        yield RunNote(kind="setting", text=text)
    yield from _speed(run)
    others = (run.timing.parallel or 0.0) + (run.timing.startup or 0.0)
    if run.variation is None and (text := sampling_advice(run.cases, run.timing.serial, others)):
        yield RunNote(kind="speed", text=text)
    yield from (RunNote(kind="detail", text=text) for text in of_several_tests(run))
    if is_verbose:
        yield from (RunNote(kind="detail", text=text) for text in _details(run))


def _having(run: RunReport, verdict: Verdict) -> list[CaseEntry]:
    return [case for case in run.cases if case.verdict is verdict]


def _different(run: RunReport) -> str:
    """Return how many cases differ, with the path of the difference."""
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


def _remarks(run: RunReport, *, is_verbose: bool) -> Iterator[str]:
    """Yield notes of cases: the first of each kind and the number of such cases, or all notes."""
    shown = ((note, case) for case in run.cases for note in case.notes)
    found = [(note, case) for note, case in shown if note.kind not in OF_MESSAGES]
    if is_verbose:
        for note, case in found:
            yield f"note: {_place(case, note.path)}: {note.text}"
        return
    cases = Counter(kind for _, kind in dict.fromkeys((case.id, note.kind) for note, case in found))
    for kind, number in cases.items():
        note, case = next(pair for pair in found if pair[0].kind == kind)
        first = f" (first of {number} cases)" if number > 1 else ""
        yield f"note: {_place(case, note.path)}: {note.text}{first}"


def _place(case: CaseEntry, path: str) -> str:
    """Name a part of the value of a case, by the case's name without file and class."""
    name = case.id.rpartition("::")[2]
    return f"{shorten(name, 40)} at {shorten(path, 40)}" if path else shorten(name, 40)


def _lost(run: RunReport) -> str:
    """Return how many cases were lost, with the first reason."""
    cases = _having(run, Verdict.LOST)
    if not cases:
        return ""
    return _why(cases, [case.lost for case in cases]) + _interrupted(cases)


def _not_sent(run: RunReport) -> str:
    """Return how many cases were not sent, with the first reason."""
    cases = _having(run, Verdict.NOT_SENT)
    return _why(cases, [case.not_sent for case in cases]) if cases else ""


def _why(cases: Sequence[CaseEntry], reasons: Sequence[Mapping[str, Any] | None]) -> str:
    details = list(dict.fromkeys(reason["detail"] for reason in reasons if reason))
    first = "first: " if len(details) > 1 else ""
    text = f", {first}{shorten(details[0], 160)}" if details else ""
    return f"{len(cases)} {cases[0].verdict}{text}"


def _interrupted(cases: Sequence[CaseEntry]) -> str:
    """Return which cases were running when they were interrupted, and how many had not started."""
    lost = [
        (case, case.lost.get("tries") or ())
        for case in cases
        if case.lost is not None and case.lost["reason"] == "interrupted"
    ]
    running = [
        f"{_place(case, '')} for {duration(tries[-1]['seconds'])}" for case, tries in lost if tries
    ]
    text = f"; running: {', '.join(running[:RUNNING])}" if running else ""
    if len(running) > RUNNING:
        text += f" and {len(running) - RUNNING} more"
    waiting = len(lost) - len(running)
    return text + (f"; {waiting} had not started" if waiting else "")


def why_not_exercised(run: RunReport) -> str:
    """Return in a sentence why the cases of a run did not overlap, and the remedy."""
    if run.variation is not None:
        return why_nothing_ran(run.variation, run.cases)
    runs = Counter(case.run for case in run.cases if case.interval is not None)
    ran = runs.total()
    if ran == 1:
        return "a single case cannot overlap with another; parametrize the test."
    if why := why_not_met(run, ran, len(runs)):
        return why
    if ran == len(runs):
        return (
            f"each of the {ran} cases ran on its own, because each has its own value of a fixture "
            "wider than function scope; give the fixture function scope, or parametrize the test "
            "further."
        )
    if run.granted == 1:
        if run.budget is not None and run.budget.is_capped:
            return f"there was only one worker, {run.budget.source}; allow 2 or more."
        return "there was only one worker; ask for 2 or more."
    if run.workers_used == 1:
        return f"1 worker ran all {ran} cases."
    return "no two cases were in workers at the same time."


def _crowding(run: RunReport) -> str:
    """Advise fewer workers where there are more of them than CPUs."""
    budget = run.budget
    if budget is None or run.granted <= max(2, budget.cpus):
        return ""
    cpus = Cpus(number=budget.cpus, limit=budget.cpus_limit)
    return f" {run.granted} workers on {cpus}: try workers={max(2, budget.cpus)}."


def equal_counts(run: RunReport) -> list[tuple[int, str]]:
    """Count the equal cases by what was compared; a row shows the first count, notes the others."""
    equal = _having(run, Verdict.EQUAL)
    numbers = Counter(["outcome" if c.returned_nothing else c.outcome for c in equal])
    order = ("value", "outcome", "failure", "skip")
    return [(numbers[noun], noun) for noun in order if numbers[noun]] or [(0, "value")]


def _outcomes(run: RunReport) -> Iterator[str]:
    """Count the equal outcomes that the row does not count."""
    for number, noun in equal_counts(run)[1:]:
        yield f"{counted(number, noun)} equal" + (" (no value returned)" * (noun == "outcome"))


def _not_verified(run: RunReport) -> Iterator[str]:
    for why, number in Counter(case.why for case in _having(run, Verdict.NOT_VERIFIED)).items():
        if why == SKIPPED:
            yield f"{number} skipped"
        else:
            yield f"{number} not verified" + (f": {why}" if why else "")


def _setting(run: RunReport) -> str:
    """Name how values were compared, or that there were none, and the workers."""
    equal = _having(run, Verdict.EQUAL)
    nothing = bool(equal) and all(case.returned_nothing for case in equal)
    parts = ["no value returned"] if nothing else []
    if any(case.compared == "values" and not case.is_skipped for case in run.cases):
        parts.append(run.policy.removesuffix("()"))
    if run.variation is not None and (text := setting(run.variation, run.cases)):
        parts.append(text)
    if text := repetition(run.cases):
        parts.append(text)
    if run.facts:
        workers = f"{run.workers_used} of {counted(run.granted, 'worker')}"
        # Without a suffix, the start method depends on the Python version and the system.
        if run.start_method in {"fork", "spawn", "forkserver"} - set(run.backend.split(":")):
            workers += f" by {run.start_method}"
        if run.budget is not None and run.budget.is_capped:
            workers += f", {run.budget.source}"
        if run.together is not None:
            workers += f", together {percent(run.together)} of the time"
        parts.append(workers)
    return "; ".join(parts)


def _speed(run: RunReport) -> Iterator[RunNote]:
    """Yield the bound of the speed-up, or why there is no speed-up."""
    if run.xdist:
        text = "no speed-up: xdist shared the cases among its processes"
        yield RunNote(kind="speed", text=text)
        return
    timing = run.timing
    if run.verdict not in (Verdict.EQUAL, Verdict.NOT_VERIFIED) or run.granted < 2:
        return
    if timing.is_crowded and (timing.serial or 0) >= WORTH_SAYING:
        yield RunNote(kind="busy", text=f"busy machine: {crowding(timing)}")
    if timing.flaw and timing.speedup is not None:
        yield RunNote(kind="speed", text=f"no measure of speed: {timing.flaw}")
        return
    if timing.speedup is None or not timing.bound_share:
        return
    if run.is_slower and (hint := why_slow(run)):
        yield RunNote(kind="speed", text=hint)
        return
    best = ratio(timing.speedup / timing.bound_share)
    yield RunNote(kind="bound", text=f"bound {best}", reached=timing.bound_share)


def crowding(timing: Timing) -> str:
    """Say that the cases did not get the CPUs, with their CPU seconds next to the others."""
    return (
        f"tasks of this machine waited for a CPU {percent(timing.waiting or 0)} of the time while "
        f"the cases ran serially; serial {duration(timing.serial)} "
        f"({duration(timing.serial_cpu)} CPU), in workers {duration(timing.in_workers)} "
        f"({duration(timing.parallel_cpu)} CPU)"
    )


def _details(run: RunReport) -> Iterator[str]:
    """Yield the details of -v: how many cases each worker ran, and how many are missing."""
    if run.scope != "function":
        yield from runs_of(run)
    for share in run.shares:
        yield f"cases by worker: {', '.join(map(str, share))}"
    if run.budget is not None and not run.budget.is_capped:  # else the setting names it
        yield f"workers: {run.budget.source}"
    if run.threads is not None:
        yield f"{counted(run.threads, 'native thread')} each, as in the serial run"
    if run.expected is not None and len(run.cases) < run.expected:
        yield f"{len(run.cases)} of {run.expected} cases: too few to judge whether they overlapped"
