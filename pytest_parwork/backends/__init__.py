"""The public address of all that the author of a backend needs; each adapter is a file here.

`Backend` and `Workers` say what to write, `BackendContract` in `pytest_parwork.testing` tests it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..machine.exits import exit_name
from ..model.work import Batch
from ..worker.calling import BatchCall
from .parts import EventQueue, PerRun, event_of
from .protocol import (
    LEAVING,
    UNKNOWN,
    Backend,
    Early,
    Event,
    Family,
    NetworkWorkers,
    Place,
    Placed,
    Reach,
    Vital,
    Workers,
)

__all__ = [
    "LEAVING",
    "UNKNOWN",
    "Backend",
    "Batch",
    "BatchCall",
    "Early",
    "Event",
    "EventQueue",
    "Family",
    "NetworkWorkers",
    "PerRun",
    "Place",
    "Placed",
    "Reach",
    "Vital",
    "Workers",
    "bundled",
    "event_of",
    "exit_name",
]


def bundled() -> Mapping[str, Backend]:
    """Return new backends, all that the package has, by the name that a test gives."""
    # Imported here, so that neither a test session without parwork nor a worker pays for them.
    from . import isolated, multiprocessing, processes, serial, threads
    from .dask import adapter as dask
    from .dask.clusters import Clusters
    from .joblib import adapter as joblib

    clusters = Clusters()
    found: dict[str, Backend] = {**dask.backends(clusters), **joblib.backends(clusters)}
    for module in (isolated, multiprocessing, processes, serial, threads):
        found.update(module.backends())
    return found
