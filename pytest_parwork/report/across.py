"""Reports of several environments, case by case: equal, different or missing, faster or slower."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from enum import Enum
from typing import Any, TypeAlias

from ..equivalence import exact
from ..model.comparison import Comparison, Policy
from ..model.dataclass import dataclass
from ..model.errors import UsageError
from .data import Report
from .entries import CaseEntry, Result
from .values import is_whole, restore

#: A case is listed as slower or faster from this ratio on, and from so many seconds on: less is
#: noise of the machine.
RATIO, SECONDS = 1.5, 0.01

#: `CaseMatch.why` of two values that differ.
VALUE = "value"

#: A case of a report, by its id and, where that comes several times, its configuration.
_Key: TypeAlias = tuple[str, str]


class Match(str, Enum):
    """How a case of one report compares with that of another."""

    EQUAL = "equal"
    DIFFERENT = "different"
    MISSING = "missing"
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMatch:
    """A case in the base report and in another one.

    `why` is the reason where the two are not equal, and `comparison` the one of their values if
    both reports carry these. `seconds` are those of the serial runs, and of the parallel ones, each
    base first, None where one did not run to its end.
    """

    id: str
    match: Match
    base: Result | None = None
    other: Result | None = None
    why: str = ""
    comparison: Comparison | None = None
    serial: tuple[float | None, float | None] = (None, None)
    parallel: tuple[float | None, float | None] = (None, None)

    @property
    def measured(self) -> tuple[str, float, float] | None:
        """The leg whose seconds are long enough to be compared, and both; serial if possible."""
        for leg, (before, after) in (("serial", self.serial), ("parallel", self.parallel)):
            if before and after and max(before, after) >= SECONDS:
                return leg, before, after
        return None

    @property
    def ratio(self) -> float | None:
        """How many times longer the other environment took, None if that was not measured."""
        return self.measured[2] / self.measured[1] if self.measured is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A fact about the environment that the two reports do not share, as texts."""

    name: str
    base: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """A report compared with the base report; `by_outcome` of the equal cases returned nothing."""

    policy: str
    by_outcome: int = 0
    cases: tuple[CaseMatch, ...]
    environment: tuple[Difference, ...] = ()
    counts: Mapping[Match, int] = field(default_factory=dict)

    @property
    def is_equal(self) -> bool:
        """True if no case is different or missing."""
        return not self.counts[Match.DIFFERENT] and not self.counts[Match.MISSING]

    def having(self, match: Match) -> list[CaseMatch]:
        """Return the cases that match in this way."""
        return [case for case in self.cases if case.match is match]

    def total(self, leg: str) -> tuple[float, float] | None:
        """Return the seconds of a leg over the cases that ran to their end in both reports."""
        pairs = [getattr(case, leg) for case in self.cases]
        both = [pair for pair in pairs if None not in pair]
        if not both:
            return None
        return sum(pair[0] for pair in both), sum(pair[1] for pair in both)

    def changed_speed(self) -> list[CaseMatch]:
        """Return the cases that became slower or faster, those with the largest change first."""
        found = [case for case in self.cases if case.ratio is not None and _is_far(case.ratio)]
        return sorted(found, key=lambda case: -abs(math.log(case.ratio or 1)))


def _is_far(ratio: float) -> bool:
    return ratio >= RATIO or ratio <= 1 / RATIO


def compare_reports(base: Report, other: Report, policy: Policy) -> Across:
    """Compare the results of a report with those of the base report.

    The result of a case is that of its serial run if it had one, so reports can be compared whose
    backends differ. `UsageError` if a value that a report carries has no known form.
    """
    known, found = _cases(base), _cases(other)
    ids = Counter(id for id, _ in known), Counter(id for id, _ in found)
    pairs = dict(_pairs(known, found, ids))
    judge = _Judge.of(base, other, policy)
    cases = []
    for key, mate in pairs.items():
        here, there = known.get(key), found.get(mate) if mate is not None else None
        name = key[0] if max(ids[0][key[0]], ids[1][key[0]]) == 1 else f"{key[0]} on {key[1]}"
        cases.append(_match(name, here, there, judge))
    paired = set(pairs.values())
    for mate in found:
        if mate in paired:
            continue
        name = mate[0] if ids[1][mate[0]] == 1 else f"{mate[0]} on {mate[1]}"
        cases.append(_match(name, None, found[mate], judge))
    counts = Counter(case.match for case in cases)
    is_equal = {case.id for case in cases if case.match is Match.EQUAL}
    return Across(
        policy=str(policy),
        by_outcome=sum(one.returned_nothing and one.id in is_equal for one in known.values()),
        cases=tuple(cases),
        environment=tuple(environment_differences(base, other)),
        counts={match: counts[match] for match in Match},
    )


def _cases(report: Report) -> dict[_Key, CaseEntry]:
    return {(case.id, run.configuration_id): case for run in report.runs for case in run.cases}


def _pairs(
    known: Mapping[_Key, CaseEntry],
    found: Mapping[_Key, CaseEntry],
    ids: tuple[Mapping[str, int], Mapping[str, int]],
) -> Iterator[tuple[_Key, _Key | None]]:
    """Yield each case of the base report with its mate: by id, which names a matrix's backend."""
    by_id = {id: (id, configuration) for id, configuration in found}
    for key in known:
        if key in found:
            yield key, key
        elif ids[0][key[0]] == ids[1].get(key[0]) == 1:
            yield key, by_id[key[0]]
        else:
            yield key, None


def _match(name: str, base: CaseEntry | None, other: CaseEntry | None, judge: _Judge) -> CaseMatch:
    if base is None or other is None:
        return CaseMatch(
            id=name,
            match=Match.MISSING,
            base=base.result if base is not None else None,
            other=other.result if other is not None else None,
            why="missing in the base report" if base is None else "missing",
        )
    here, there = _result(base), _result(other)
    match, why, comparison = judge(here, there)
    return CaseMatch(
        id=name,
        match=match,
        base=here,
        other=there,
        why=why,
        comparison=comparison,
        serial=(base.serial, other.serial),
        parallel=(base.parallel, other.parallel),
    )


def _result(case: CaseEntry) -> Result | None:
    return Result(kind="skip", text="skipped") if case.is_skipped else case.result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Compares results; digests are those of one version of parwork, and of one Python, or not."""

    policy: Policy
    is_same_parwork: bool
    is_same_python: bool

    @classmethod
    def of(cls, base: Report, other: Report, policy: Policy) -> _Judge:
        pythons = {str(one.environment.get("python")) for one in (base, other)}
        return cls(
            policy=policy,
            is_same_parwork=base.version == other.version,
            is_same_python=len(pythons) == 1,
        )

    def __call__(
        self, base: Result | None, other: Result | None
    ) -> tuple[Match, str, Comparison | None]:
        """Return how two results match, why not, and the comparison of their values."""
        if base is None or other is None:
            return Match.NOT_COMPARED, "no result was recorded", None
        if base.kind != other.kind:
            return Match.DIFFERENT, "outcome", None
        if base.kind in ("lost", "not_sent"):
            return Match.NOT_COMPARED, f"{base.kind.replace('_', ' ')} in both", None
        if base.kind == "skip" or (base.kind == "failure" and base.text == other.text):
            return Match.EQUAL, "", None
        if base.kind == "failure":
            return Match.DIFFERENT, "exception", None
        if base.digest is not None and base.digest == other.digest:
            return Match.EQUAL, "", None
        return self._values(base, other)

    def _values(self, base: Result, other: Result) -> tuple[Match, str, Comparison | None]:
        """Compare values whose digests do not show that they are equal."""
        are_carried = base.value is not None and other.value is not None
        are_whole = are_carried and is_whole(base.value) and is_whole(other.value)
        has_digests = base.digest is not None and other.digest is not None
        if are_whole:
            comparison = _compare(base.value, other.value, self.policy)
            if comparison:
                return Match.EQUAL, "", None
            return Match.DIFFERENT, VALUE, comparison
        if not has_digests:
            return Match.NOT_COMPARED, "its type has no digest", None
        if not self.is_same_parwork:
            return Match.NOT_COMPARED, "digests of two versions of pytest-parwork", None
        if not self.is_same_python and base.text == other.text and "…" not in base.text:
            # pathlib.Path is pathlib._local.Path on Python 3.13.
            why = f"{base.text} in both, of a type that may have changed with Python"
            return Match.NOT_COMPARED, why, None
        if not are_carried:
            return Match.DIFFERENT, VALUE, None
        why = f"{VALUE}, too large for a report to carry it whole"
        return Match.DIFFERENT, why, _summaries(base.value, other.value)


def _compare(base: Any, other: Any, policy: Policy) -> Comparison:
    try:
        return policy(restore(other), restore(base))
    except ValueError as error:
        raise UsageError(f"a value in a report: {error}") from None


def _summaries(base: Any, other: Any) -> Comparison | None:
    """Compare the figures of two summaries, to show where they differ, None if they do not."""
    comparison = _compare(base, other, exact())
    return None if comparison else comparison


def environment_differences(base: Report, other: Report) -> Iterator[Difference]:
    """Yield what differs between two environments, by name: `packages.numpy`."""
    facts = [{"parwork": one.version, **dict(_flat(one.environment, ""))} for one in (base, other)]
    for name in dict.fromkeys([*facts[0], *facts[1]]):
        before, after = (fact.get(name, "-") for fact in facts)
        if before != after:
            yield Difference(name=name, base=str(before), other=str(after))


def _flat(facts: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(facts, Mapping):
        for key, value in facts.items():
            yield from _flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(facts, Sequence) and not isinstance(facts, str):
        if all(isinstance(one, str) for one in facts):
            yield name, " ".join(facts)
            return
        for number, value in enumerate(facts):
            yield from _flat(value, f"{name}[{number}]")
    else:
        yield name, str(facts)
