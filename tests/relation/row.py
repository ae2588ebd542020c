"""One row of the table of pairs, and how its values are sent."""

from __future__ import annotations

import io
import pickle
from typing import NamedTuple

from pytest_parwork.transport.pickling import by_value

__all__ = ["Row", "send_by_value"]


class Row(NamedTuple):
    """Two values, and the mismatches that `exact` must find between them.

    `wanted` is empty if they are equal, else all classes of mismatches: `value`,
    `missing and extra`. `note` is the kind of note that two equal values get. A value is
    `reflexive` if it equals itself, and `is_picklable` if it can be pickled, by reference or value.
    """

    name: str
    left: object
    right: object
    wanted: str = ""
    note: str = ""
    reflexive: bool = True
    is_picklable: bool = True

    @property
    def classes(self) -> frozenset[str]:
        """The classes of mismatches that are wanted."""
        return frozenset(self.wanted.split(" and ")) if self.wanted else frozenset()

    @property
    def mirrored(self) -> frozenset[str]:
        """The classes that are wanted with both sides exchanged."""
        other = {"missing": "extra", "extra": "missing"}
        return frozenset(other.get(name, name) for name in self.classes)


def send_by_value(value: object) -> object:
    """Send a value by cloudpickle, as a result, so that no class of the table is overwritten."""
    file = io.BytesIO()
    by_value()(file, protocol=5, is_tracked=False).dump(value)
    return pickle.loads(file.getvalue())
