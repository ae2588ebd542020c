"""The answer to values of dask that are still to be computed."""

from __future__ import annotations

from ..objects import refuse
from ..pairs import Comparer


def find(cls: type) -> Comparer | None:
    """Return the comparer of dask's collections and futures: nothing tells whether they agree."""
    if hasattr(cls, "__dask_graph__"):
        return refuse("a dask collection is not computed yet; return its .compute()")
    if cls.__module__.startswith("distributed.") and cls.__name__ == "Future":
        return refuse("a future holds no value here; return its .result()")
    return None
