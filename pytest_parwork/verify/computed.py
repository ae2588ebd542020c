"""The collections of dask that a test returns: computed, and described as they were before."""

from __future__ import annotations

import sys
from typing import Any

from ..model.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What a collection of dask is before it is computed; None for what it does not have."""

    type: str
    dtype: object = None
    meta: object = None
    chunks: object = None
    divisions: object = None

    def without_layout(self) -> Collection:
        """Return it without its chunks and divisions, which may be what is varied."""
        return Collection(type=self.type, dtype=self.dtype, meta=self.meta)


def computed(value: Any) -> tuple[object, Collection | None]:
    """Compute a collection of dask, with the scheduler that is configured; return all else as is.

    Nothing is done to a collection inside another value: its comparison names it, with a remedy.
    """
    dask = sys.modules.get("dask.base")
    if dask is None or not dask.is_dask_collection(value):
        return value, None
    found = Collection(
        type=type(value).__name__,
        dtype=getattr(value, "dtype", None),
        meta=getattr(value, "_meta", None),
        chunks=getattr(value, "chunks", None),
        divisions=getattr(value, "divisions", None),
    )
    return value.compute(), found


def is_shared(actual: Any, expected: Any) -> bool:
    """Return whether two results are one object that can change, or arrays in the same memory.

    Then they are equal whatever the second call has done.
    """
    if actual is expected:
        return type(actual).__hash__ is None
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(actual, numpy.ndarray) or not actual.size:
        return False
    return isinstance(expected, numpy.ndarray) and bool(numpy.may_share_memory(actual, expected))


def shared_part(actual: Any, expected: Any) -> str:
    """Return the path of the first item of two results that is shared, empty if none is."""
    if type(actual) is not type(expected):
        return ""
    if isinstance(actual, dict):
        keys = [key for key in actual if key in expected]
    elif isinstance(actual, list | tuple):
        keys = list(range(min(len(actual), len(expected))))
    else:
        return ""
    return next((f"[{key!r}]" for key in keys if is_shared(actual[key], expected[key])), "")
