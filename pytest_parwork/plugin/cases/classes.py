"""What set-up has left in the class of a test, as it travels."""

from __future__ import annotations

from collections.abc import Mapping

from ...transport.culprit import explain
from ...transport.pickling import dumps
from ...worker.fixtures.recipe import Left

__all__ = ["left_in"]


def left_in(cls: type | None, imported: Mapping[str, object]) -> Left:
    """Return what a class holds that it did not hold when it was imported."""
    held = {} if cls is None else vars(cls)
    fresh = {
        name: value
        for name, value in held.items()
        if not (name.startswith("__") or (name in imported and imported[name] is value))
    }
    try:
        dumps(fresh, [])
    except Exception:
        missing = {name: why for name, value in fresh.items() if (why := _why_not(value))}
        return Left(
            values={name: value for name, value in fresh.items() if name not in missing},
            missing=missing,
        )
    return Left(values=fresh, missing={})


def _why_not(value: object) -> str:
    """Return why a value cannot be sent, empty if it can."""
    try:
        dumps(value, [])
    except Exception as error:
        return explain(value, error)
    return ""
