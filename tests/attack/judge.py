"""The verdict on an experiment with hostile cases: survived, own doing, or a fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .experiment import Case, Judgement, Seen
from .kinds import Kind, Reading
from .project import case_id

__all__ = ["NAMED_WITHIN", "files_of", "is_right", "judge_kind", "of_ending", "shown", "summed_up"]

#: Seconds in which the guilty case must be named, beyond its timeout and the backend's own time.
NAMED_WITHIN = 5.0

#: The longest message in a reason, in characters.
SHOWN = 160


def judge_kind(
    seen: Seen, baseline: float, *, kind: Kind, guilty: tuple[int, ...], count: int
) -> Judgement:
    """Judge a session with guilty cases among innocent ones."""
    ending = seen.ending
    if kind.ends_pytest is not None and ending.code == kind.ends_pytest:
        return _judge_ended(seen, guilty)
    faults = list(of_ending(seen, {0, 1}))
    if faults or seen.cases is None:
        return summed_up([*faults, *files_of(seen)] or ["no whole report was written"])
    own: list[str] = []
    names = {case_id(number) for number in range(count)}
    if set(seen.cases) != names:
        faults.append(f"{len(seen.cases)} cases are reported in place of {count}")
    wrong = []
    for number in range(count):
        case = seen.cases.get(case_id(number), Case(verdict="missing"))
        if number not in guilty and _fits(case, kind.spoils):
            own.append(f"[{number}] {shown(case)}")
        elif number not in guilty:
            wrong += [] if is_right(case) else [f"[{number}] {shown(case)}"]
        elif _fits(case, kind.own):
            own.append(f"[{number}] {shown(case)}")
        elif not _fits(case, kind.survived) or (case.verdict == "EQUAL" and case.message):
            faults.append(f"guilty [{number}] {shown(case)}")
    if wrong:
        faults.append(f"{len(wrong)} neighbours, first {wrong[0]}")
    failed = sum(bool(case.message) for case in seen.cases.values())
    if ending.code != bool(failed):
        faults.append(f"pytest ended with {ending.code}, though {failed} cases failed")
    for process in ending.left:
        (own if kind.escapes else faults).append(f"lives on: {process}")
    for name in ending.files:
        is_own = bool(kind.leaves) and name.startswith(kind.leaves)
        (own if is_own else faults).append(f"left behind: {name}")
    is_overdue = any(case.reason == "timeout" for case in seen.cases.values())
    timeout = (kind.timeout or 0.0 if is_overdue else 0.0) + kind.patience
    again = (len(guilty) - 1) * baseline / 2  # a new worker for each of them
    return summed_up(faults, own=own, late=_late(seen, timeout + NAMED_WITHIN + baseline + again))


def _fits(case: Case, readings: Iterable[Reading]) -> bool:
    return any(one.fits(case.verdict, case.reason, case.message) for one in readings)


def is_right(case: Case) -> bool:
    """Return whether an innocent case has its value, and passed."""
    return case.verdict == "EQUAL" and case.compared == "values" and not case.message


def shown(case: Case) -> str:
    """Return the message of a case in one line."""
    text = " ".join((case.message or case.verdict).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def of_ending(seen: Seen, codes: set[int]) -> Iterator[str]:
    """Yield the faults in the way that pytest ended."""
    ending = seen.ending
    if ending.code is None:
        yield f"no end: killed after {ending.seconds:.0f} s"
    elif ending.code not in codes:
        last = [line for line in seen.tail.splitlines() if line.strip()][-1:]
        yield f"pytest ended with {ending.code}: {' '.join(last)[:SHOWN]}"


def files_of(seen: Seen) -> list[str]:
    """Return the processes and files that were left behind."""
    left = [f"lives on: {process}" for process in seen.ending.left]
    return left + ([f"left behind: {', '.join(seen.ending.files)}"] if seen.ending.files else [])


def _late(seen: Seen, allowed: float) -> str:
    seconds = seen.ending.seconds
    return f"took {seconds:.1f} s of {allowed:.1f}" if seconds > allowed else ""


def _judge_ended(seen: Seen, guilty: tuple[int, ...]) -> Judgement:
    """Judge a session that a result has killed: results are trusted, but the case must be named."""
    faults = files_of(seen)
    if not any(case_id(number).partition("::")[2] in seen.output for number in guilty):
        faults.append(f"pytest ended with {seen.ending.code}, and nothing names the case")
    return summed_up(faults, own=["loading the result ended pytest"])


def summed_up(faults: list[str], *, own: list[str] | None = None, late: str = "") -> Judgement:
    """Return the judgement for these faults."""
    if faults:
        return Judgement(verdict="fault", reasons=[*faults, *([late] if late else [])])
    if late:
        return Judgement(verdict="fault", reasons=[late], is_late=True)
    if own:
        return Judgement(verdict="own doing", reasons=own)
    return Judgement(verdict="survived")
