"""The backends that come with the package, one adapter a file."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Backend

__all__ = ["bundled"]


def bundled() -> Mapping[str, Backend]:
    """Return every backend of the package by the name that a test gives."""
    # Imported here, so that a test session without parwork pays for none of them.
    from . import isolated, joblib, multiprocessing, processes, serial, threads

    found: dict[str, Backend] = {}
    for module in (isolated, joblib, multiprocessing, processes, serial, threads):
        found.update(module.backends())
    return found
