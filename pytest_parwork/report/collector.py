"""How a report is put together from pieces that arrive in any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .data import Report, RunEntry

__all__ = ["Collector"]


class Collector:
    """Gathers run entries that hold a part of their cases each.

    Of a case that comes twice (a rerun, or xdist running it in every process) the last one
    stays. Runs keep the order of their first arrival, cases that of their workload.
    """

    def __init__(self) -> None:
        self._pieces: dict[tuple[str, str], list[RunEntry]] = {}

    def add(self, piece: RunEntry) -> None:
        """Take a part of a run."""
        self._pieces.setdefault((piece.id, piece.configuration_id), []).append(piece)

    def report(self, *, version: str, environment: Mapping[str, object]) -> Report:
        """Return what has come so far."""
        runs = tuple(_join(pieces) for pieces in self._pieces.values())
        return Report(version=version, runs=runs, environment=environment)


def _join(pieces: list[RunEntry]) -> RunEntry:
    facts = {run.batch: run for piece in pieces for run in piece.facts}
    # By the index too: ids that differ in what is not printable read alike.
    cases = {(case.index, case.id): case for piece in pieces for case in piece.cases}
    return replace(
        pieces[0],
        facts=tuple(facts.values()),
        cases=tuple(sorted(cases.values(), key=lambda case: case.index)),
    )
