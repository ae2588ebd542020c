"""One row of the table of pairs."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Row"]


class Row(NamedTuple):
    """Two values, and what `exact` must find between them.

    `wanted` is empty where they are equal, else all classes of mismatches: `value`,
    `missing and extra`. `note` is the kind of note that comes with two equal values. A value is
    `reflexive` if it equals itself, `travels` if it can be pickled, by value if need be.
    """

    name: str
    left: object
    right: object
    wanted: str = ""
    note: str = ""
    reflexive: bool = True
    travels: bool = True

    @property
    def classes(self) -> frozenset[str]:
        """The classes of mismatches that are wanted."""
        return frozenset(self.wanted.split(" and ")) if self.wanted else frozenset()

    @property
    def mirrored(self) -> frozenset[str]:
        """The classes that are wanted with both sides exchanged."""
        other = {"missing": "extra", "extra": "missing"}
        return frozenset(other.get(name, name) for name in self.classes)
