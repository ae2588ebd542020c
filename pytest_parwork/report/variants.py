"""Runs in which code that is parallel itself is varied: what they are, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Literal

from ..model.dataclass import dataclass
from ..model.outcome import Verdict
from ..model.printable import make_printable
from .entries import CaseEntry
from .figures import counted, ratio
from .timing import FAR, Timing, flaw_of

#: How bad a note is: a failure, no proof, or for information.
Severity = Literal["error", "warning", "info"]

#: What helps where nothing ran in parallel.
ADVICE = {
    "vary": "Check that the argument reaches the code that is parallel, and give it more work",
    "inside": "Check that what the test calls follows this configuration, and give it more work",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """What is varied in a run.

    `label` names the run, `n_jobs:2`, and `reference` the run it is compared with. `values` are the
    varied arguments as texts; empty for `inside=`, where the ambient configuration is varied.
    `counts_workers` says that the values are numbers of workers, so that something has to run in
    parallel; `workers` is the number asked for, None if it is unknown. `is_baseline` says that it
    is one because others of the same list have more. `hint` says what the configuration does not
    reach.
    """

    kind: Literal["vary", "inside"]
    label: str
    reference: str
    values: Mapping[str, str] = field(default_factory=dict)
    counts_workers: bool = False
    workers: int | None = None
    is_baseline: bool = False
    hint: str = ""

    def __post_init__(self) -> None:
        make_printable(self, "label", "reference", "hint")


def is_exercised(
    variation: Variation, cases: Sequence[CaseEntry], *, is_whole: bool
) -> bool | None:
    """Return whether something ran in parallel in any of the cases.

    It is None where the arguments are no numbers of workers, or are one worker next to more of
    them, and where nothing ran in parallel in a part of the cases: another one may have more work.
    """
    is_alone = variation.kind == "inside" and not variation.is_baseline
    if not variation.counts_workers or (variation.workers == 1 and not is_alone):
        return None
    legs = [case.legs for case in cases if case.legs is not None]
    if any(each.is_parallel for each in legs):
        return True
    return False if legs and is_whole else None


def workers_of(variation: Variation, cases: Sequence[CaseEntry]) -> int:
    """Return how many workers were observed, or else how many were asked for; 0 if unknown."""
    observed = max((case.legs.actual.workers for case in cases if case.legs is not None), default=0)
    return observed or variation.workers or 0


def timing_of(variation: Variation, cases: Sequence[CaseEntry], *, xdist: bool) -> Timing:
    """Add up the seconds of the cases in the run and in the reference.

    Start-up is part of them: the code under test starts its pools itself.
    """
    both = [
        (case.serial, case.parallel)
        for case in cases
        if case.serial is not None and case.parallel is not None
    ]
    serial, parallel = (sum(seconds) for seconds in zip(*both, strict=True)) if both else (0.0, 0.0)
    speedup = serial / parallel if parallel else None
    workers = workers_of(variation, cases) if variation.counts_workers else 0
    flaw = flaw_of(cases)
    if not flaw and speedup is not None and workers and speedup > FAR * workers:
        flaw = f"{ratio(speedup)} is more than {counted(workers, 'worker')} can give"
    return Timing(
        serial=serial if both else None,
        parallel=parallel if both else None,
        startup=None,
        speedup=speedup,
        efficiency=speedup / workers if speedup is not None and workers else None,
        bound=None,
        bound_share=None,
        flaw=flaw,
        reliable=speedup is not None and not flaw and not xdist,
    )


def why_nothing_ran(variation: Variation, cases: Sequence[CaseEntry]) -> str:
    """Return in a sentence what was observed instead of parallel work, and what helps."""
    pools = [p for case in cases if case.legs is not None for p in case.legs.actual.pools]
    single = next((pool for pool in pools if pool.workers < 2), None)
    few = next((pool for pool in pools if pool.tasks < 2), None)
    if single is not None:
        seen = f"{single} was used"
    elif few is not None:
        seen = f"{few} was given a single task"
    else:
        seen = "no pool, thread or process was used, and other threads needed no CPU time"
    hint = f" {variation.hint}" if variation.hint else ""
    if variation.kind == "inside" and variation.workers == 1:
        return f"{variation.label} has only one worker; ask for 2 or more."
    return f"with {variation.label}, {seen}. {ADVICE[variation.kind]}.{hint}"


def unserial_reference(variation: Variation, cases: Sequence[CaseEntry]) -> str:
    """Return what ran in parallel in the reference, empty if it was serial.

    Native threads in it count only where nothing else ran in parallel in the run: otherwise they
    are those of BLAS, which are not what is varied.
    """
    if not variation.counts_workers:
        return ""
    for case in cases:
        if case.legs is None:
            continue
        reference, actual = case.legs.reference, case.legs.actual
        if reference.pools or (reference.uses_native_threads and not actual.pools):
            return (
                f"the reference {variation.reference} used {reference.describe()}: a defect in "
                f"every worker would stay unseen"
            )
    return ""


def setting(variation: Variation, cases: Sequence[CaseEntry]) -> str:
    """Name what ran in parallel; empty if nothing was observed."""
    legs = [case.legs.actual for case in cases if case.legs is not None]
    most = max(legs, key=lambda each: (each.workers, each.share_elsewhere), default=None)
    return most.describe() if most is not None and variation.counts_workers else ""


def remarks(
    variation: Variation, cases: Sequence[CaseEntry]
) -> Iterator[tuple[Severity, str, str]]:
    """Yield what else to say of a run: how bad it is, what it is about, and the text."""
    if text := _agreements(variation.label, cases):
        yield "info", "agreement", text
    if text := unserial_reference(variation, cases):
        yield "warning", "reference", text


def _agreements(label: str, cases: Sequence[CaseEntry]) -> str:
    """Say in how many differing cases the run agrees with which others; empty if in none."""
    different = [case for case in cases if case.verdict is Verdict.DIFFERENT]
    agreeing = [
        case.legs.agrees for case in different if case.legs is not None and case.legs.agrees
    ]
    if not agreeing:
        return ""
    names = ", ".join(dict.fromkeys(name for names in agreeing for name in names))
    where = "" if len(agreeing) == len(different) else f" in {counted(len(agreeing), 'case')}"
    return f"{label} and {names} agree with one another{where}"
