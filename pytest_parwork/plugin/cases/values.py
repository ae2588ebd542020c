"""The distinct values that a case gave in its configurations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from ...equivalence import show
from ...equivalence.digest import digest
from ...model.comparison import Comparison
from ...model.listing import shorten
from ...model.outcome import Outcome
from .groups import Case, label

__all__ = ["Values"]

#: Columns for a value.
LIMIT = 40


@dataclass(slots=True)
class Row:
    """One value: how it reads, and the configurations that gave it."""

    text: str
    digest: bytes | None
    configurations: list[str] = field(default_factory=list)


class Values:
    """What is known of each case that is run in several configurations.

    A configuration that is equal by the policy gave the serial value, as far as that counts. Of the
    others those with the same digest gave one value, bit by bit; where there is no digest, each
    gave its own.
    """

    def __init__(self) -> None:
        self._equal: dict[Hashable, list[str]] = {}
        self._others: dict[Hashable, list[Row]] = {}

    def add(
        self, case: Case, actual: Outcome, expected: Outcome, comparison: Comparison
    ) -> Sequence[tuple[str, Sequence[str]]]:
        """Take note of an outcome; return all rows if it is different, the serial one first.

        Of a long value the rows show the first part that differs.
        """
        equal = self._equal.setdefault(case.key, ["serial"])
        name = label(case)
        if comparison:
            equal.append(name)
            return ()
        rows = self._others.setdefault(case.key, [])
        found = digest(actual.value) if actual.kind == "value" else None
        row = next((row for row in rows if found is not None and row.digest == found), None)
        first = comparison.mismatches[0]
        if row is None:
            row = Row(write(actual, first.path, first.actual), found)
            rows.append(row)
        row.configurations.append(name)
        serial = write(expected, first.path, first.expected)
        return [(serial, equal), *((row.text, row.configurations) for row in rows)]


def write(outcome: Outcome, path: str, part: str) -> str:
    """Return what an outcome gave, or the part of it at a path if the whole is long."""
    if outcome.kind != "value":
        return outcome.failure.type if outcome.failure is not None else outcome.kind
    whole = show(outcome.value, limit=LIMIT + 1)
    if len(whole) <= LIMIT:
        return whole
    place = f"{shorten(path, LIMIT // 2)}: " if path else ""
    return f"{place}{shorten(part, LIMIT - len(place))}"
