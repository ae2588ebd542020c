"""The rows of a level, for the backend of a workload."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_all_start_methods

from ...backends.protocol import Backend, is_threaded, place_of
from ...verify.stress.rows import Base, Row, full, quick
from .asking import Asked


def level(base: Base, asked: Asked) -> Iterator[Row]:
    """Return the rows of the level that is asked for."""
    return quick(base, asked.seed) if asked.text == "quick" else full(base, asked.seed)


def base_of(
    backend: Backend, name: str, *, workers: int, cases: int, is_exclusive: bool = False
) -> Base:
    """Return what rows are made of, for so many cases on the backend with this name."""
    # Nothing is sent to forks of pytest's process, so nothing can be sent elsewhere.
    methods = get_all_start_methods() if place_of(backend) != "fork" else []
    return Base(
        backend=name,
        workers=workers,
        cases=cases,
        starts=[f"processes:{one}" for one in methods] if backend.reach == "machine" else (),
        fresh="processes:spawn" if "spawn" in methods else "",
        is_threaded=is_threaded(backend),
        is_fixed=backend.reach == "network",
        is_exclusive=is_exclusive,
    )
