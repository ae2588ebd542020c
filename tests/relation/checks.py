"""The checks of pairs of values, shared by the tables of all libraries."""

from __future__ import annotations

import cloudpickle

from pytest_parwork.equivalence import compare
from pytest_parwork.equivalence.digest import digest

__all__ = ["check_different", "check_equal", "check_pickled_copy"]


def check_equal(left: object, right: object) -> None:
    """Check that two values are equal in both directions, without a note, and share a digest."""
    for comparison in (compare(left, right), compare(right, left)):
        assert str(comparison) == "equal by exact()"
        assert comparison.notes == ()
    assert digest(left) == digest(right)


def check_different(left: object, right: object, kind: str) -> None:
    """Check that two values differ in both directions, and that the first says how."""
    kinds = {mismatch.kind for mismatch in compare(left, right).mismatches}
    assert kind in kinds, kinds
    assert not compare(right, left)
    assert digest(left) is None or digest(left) != digest(right)
    assert compare(left, left) or kind == "uncomparable"


def check_pickled_copy(value: object) -> None:
    """Check that a value equals its copy in another process."""
    check_equal(cloudpickle.loads(cloudpickle.dumps(value)), value)
