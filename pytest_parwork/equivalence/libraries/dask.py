"""The comparers that reject dask's uncomputed values."""

from __future__ import annotations

from ..objects import reject
from ..pairs import Comparer


def find(cls: type) -> Comparer | None:
    """Return the comparer of dask's collections and futures, which rejects them with advice."""
    if hasattr(cls, "__dask_graph__"):
        return reject("a dask collection is not computed yet; return its .compute()")
    if cls.__module__.startswith("distributed.") and cls.__name__ == "Future":
        return reject("a future holds no value here; return its .result()")
    return None
