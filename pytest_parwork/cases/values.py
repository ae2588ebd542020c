"""The distinct values that a case gave in its configurations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from ..equivalence import show
from ..equivalence.digest import digest
from ..model import Outcome, Verdict
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
        self, case: Case, actual: Outcome, expected: Outcome, verdict: Verdict
    ) -> Sequence[tuple[str, Sequence[str]]]:
        """Take note of an outcome; return all rows if it is different, the serial one first."""
        if not case.group.axes:
            return ()
        equal = self._equal.setdefault(case.key, ["serial"])
        name = label(case)
        if verdict is not Verdict.DIFFERENT:
            equal.append(name)
            return ()
        rows = self._others.setdefault(case.key, [])
        found = digest(actual.value) if actual.kind == "value" else None
        row = next((row for row in rows if found is not None and row.digest == found), None)
        if row is None:
            row = Row(write(actual), found)
            rows.append(row)
        row.configurations.append(name)
        return [(write(expected), equal), *((row.text, row.configurations) for row in rows)]


def write(outcome: Outcome) -> str:
    if outcome.kind == "value":
        return show(outcome.value, limit=LIMIT)
    return outcome.failure.type if outcome.failure is not None else outcome.kind
