"""The public names that the author of a backend needs, and the adapters of this package.

`Backend` and `Workers` define what to implement; `BackendContract` in `pytest_parwork.testing`
tests it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..machine.exits import exit_name
from ..model.work import Batch
from .parts import EventQueue, PerRun, event_of
from .protocol import (
    LEAVING,
    UNKNOWN,
    Backend,
    Conditional,
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
    "Conditional",
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

if TYPE_CHECKING:
    from ..worker.calling import BatchCall


def __getattr__(name: str) -> object:
    """Load what runs a batch when an adapter asks for it: a session that only collects does not."""
    if name == "BatchCall":
        from ..worker.calling import BatchCall

        return BatchCall
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def bundled() -> Mapping[str, Backend]:
    """Return new instances of all backends of this package, by the name that a test uses."""
    # Imported here, so that neither a session without parwork nor a worker spends time on it.
    from .table import backends

    return backends()
