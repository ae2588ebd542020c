"""The backend by which joblib runs what code in this process calls without naming one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

#: The backends of joblib whose workers can be told how many native threads they may use.
_LIMITED = ("loky",)


def calling(library: str, workers: int) -> AbstractContextManager[None]:
    """Return a context in which `joblib.Parallel` uses this backend and so many workers.

    Workers have one native thread each, as the serial reference: joblib would give them more.
    """
    import joblib

    inner = {"inner_max_num_threads": 1} if library in _LIMITED else {}
    config = joblib.parallel_config(backend=library, n_jobs=workers, **inner)
    return cast("AbstractContextManager[None]", config)


def calling_serially() -> AbstractContextManager[None]:
    """Return a context in which `joblib.Parallel` runs all calls in the calling thread."""
    import joblib

    config = joblib.parallel_config(backend="sequential", n_jobs=1)
    return cast("AbstractContextManager[None]", config)
