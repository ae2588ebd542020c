"""The backends that come with the package, one adapter a file."""

from __future__ import annotations

from collections.abc import Mapping

from .protocol import Backend

__all__ = ["bundled"]


def bundled() -> Mapping[str, Backend]:
    """Return every backend of the package by the name that a test gives."""
    # Imported here, so that a test session without parwork pays for none of them.
    from . import isolated, multiprocessing, processes, serial, threads
    from .dask import adapter as dask
    from .dask.clusters import Clusters
    from .joblib import adapter as joblib

    clusters = Clusters()
    found: dict[str, Backend] = {**dask.backends(clusters), **joblib.backends(clusters)}
    for module in (isolated, multiprocessing, processes, serial, threads):
        found.update(module.backends())
    return found
