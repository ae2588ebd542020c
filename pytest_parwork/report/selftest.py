"""What `--parwork-selftest` planted in the results of a run, and what the comparison saw of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from ..model.dataclass import dataclass
from ..model.listing import shorten

LOST_UPDATE, SWAP, ULP = "a lost update", "a swap of two results", "one ulp"
STALE, MISSING = "a stale value", "a missing case"

#: All faults that are planted, by name.
FAULTS = (LOST_UPDATE, SWAP, ULP, STALE, MISSING)

#: What became of a fault: it was seen; the test lets it pass, by its policy, or because it returns
#: nothing; it was missed, which is a fault of the comparison; or there was no place for it.
Result = Literal["seen", "passes", "missed", "none"]

#: How bad it is, as in the notes of a run.
Severity = Literal["error", "warning", "info"]

#: Most columns for the reason why a fault passes.
_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One fault, planted in a copy of the outcome of one case; `why` it was not seen."""

    name: str
    result: Result
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What became of one kind of fault in all cases of a run, in numbers of cases."""

    name: str
    seen: int
    passes: int
    missed: int
    why: str

    @property
    def planted(self) -> int:
        """In how many cases it was planted."""
        return self.seen + self.passes + self.missed


def controls(planted: Iterable[Plant]) -> tuple[Control, ...]:
    """Return what became of each kind of fault; nothing if none was planted."""
    plants: dict[str, list[Plant]] = {}
    for plant in planted:
        plants.setdefault(plant.name, []).append(plant)
    return tuple(_control(name, plants[name]) for name in FAULTS if name in plants)


def _control(name: str, plants: Sequence[Plant]) -> Control:
    numbers = Counter(plant.result for plant in plants)
    order = ("missed", "passes", "none", "seen")
    # Of several reasons, the last one: the first case has none before it in any workload.
    worst = min(reversed(plants), key=lambda plant: order.index(plant.result))
    return Control(
        name=name,
        seen=numbers["seen"],
        passes=numbers["passes"],
        missed=numbers["missed"],
        why=worst.why,
    )


def control_notes(found: Sequence[Control]) -> Iterator[tuple[Severity, str]]:
    """Yield what the negative control has shown: what was missed, what passes, what was seen."""
    for control in found:
        if control.missed:
            cases = f"{control.missed} of {control.planted} cases"
            yield "error", f"selftest: {control.name} was NOT seen in {cases}: {control.why}"
    passing: dict[str, list[Control]] = {}
    for control in found:
        if control.passes and not control.missed:
            passing.setdefault(control.why, []).append(control)
    for why, those in passing.items():
        names = ", ".join(
            one.name + (f" in {one.passes} of {one.planted} cases" if one.seen else "")
            for one in those
        )
        yield "warning", f"selftest: {shorten(why, _LONGEST)}; not seen: {names}"
    seen = [control for control in found if control.planted and control.planted == control.seen]
    absent = [f"{one.name} ({one.why})" for one in found if not one.planted]
    planted = sum(control.planted > 0 for control in found)
    names = f": {', '.join(one.name for one in seen)}" if seen else ""
    texts = [f"{len(seen)} of {planted} kinds of planted faults seen{names}"] if planted else []
    texts += [f"not planted: {', '.join(absent)}"] if absent else []
    if texts:
        yield "info", f"selftest: {'; '.join(texts)}"
