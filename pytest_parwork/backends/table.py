"""The backends of this package by name; most adapters are imported when their workers start.

To check an option or a marker takes the names alone, and each imports a library that few need.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

from ..machine.abilities import start_methods
from . import serial
from .dask import named as dask
from .dask.clusters import Clusters
from .joblib import adapter as joblib
from .parts import Flexible, PerRun
from .protocol import Backend, Workers

#: The methods of `multiprocessing.Pool` that call a function.
POOL_METHODS = (
    *("map", "starmap", "apply", "imap", "imap_unordered"),
    *("map_async", "starmap_async", "apply_async"),
)

#: The Pool method of a name without one.
DEFAULT = "apply_async"


def backends() -> dict[str, Backend]:
    """Return new instances of all of them; the name without a suffix comes first."""
    clusters = Clusters()
    found: dict[str, Backend] = {**dask.backends(clusters), **joblib.backends(clusters)}
    methods = (None, *start_methods())
    found["isolated"] = Flexible(partial(_isolated, start_method=None))
    for named in start_methods():
        found[_name("isolated", named)] = PerRun(
            partial(_isolated, start_method=named),
            reach="machine",
            place="fork" if named == "fork" else None,
        )
    for start, method in product(methods, (None, *POOL_METHODS)):
        pool = partial(_pool, start_method=start, method=method or DEFAULT)
        found[_name("multiprocessing", start, method)] = _named(pool, start)
    for start in methods:
        found[_name("processes", start)] = _named(partial(_processes, start_method=start), start)
    found.update(serial.backends())
    found["threads"] = PerRun(_threads, reach="process")
    return found


def _named(start: Callable[..., Workers], method: str | None) -> Backend:
    return Flexible(start) if method is None else PerRun(start, reach="machine")


def _name(*parts: str | None) -> str:
    return ":".join(part for part in parts if part)


def _isolated(workers: int, *, start_method: str | None, avoid: str = "") -> Workers:
    from .isolated import IsolatedWorkers

    return IsolatedWorkers(workers, start_method, avoid=avoid)


def _pool(workers: int, *, start_method: str | None, method: str, avoid: str = "") -> Workers:
    from .multiprocessing import PoolWorkers

    return PoolWorkers(workers, start_method, method, avoid=avoid)


def _processes(workers: int, *, start_method: str | None, avoid: str = "") -> Workers:
    from .processes import ProcessWorkers

    return ProcessWorkers(workers, start_method, avoid=avoid)


def _threads(workers: int) -> Workers:
    from .threads import ThreadWorkers

    return ThreadWorkers(workers)
