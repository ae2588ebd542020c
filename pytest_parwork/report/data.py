"""The data of a report: JSON-safe values, built from what the cases and runs tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..model import Verdict

__all__ = ["CaseEntry", "MismatchEntry", "Report", "RunEntry", "RunFacts", "Timing"]

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MismatchEntry:
    """One place where a case differs; all texts bounded."""

    path: str
    kind: str
    actual: str
    expected: str
    difference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEntry:
    """What is known of one case in one configuration.

    `serial` and `parallel` are seconds; `interval` is (arrived, started, ended) on the run's clock.
    `compared` is "values" or "outcomes". `lost` is {"reason", "detail"} or None. `why` says why a
    case is NOT_VERIFIED, else it is empty.
    """

    id: str
    verdict: Verdict
    serial: float | None = None
    parallel: float | None = None
    worker: int | None = None
    interval: tuple[float, float, float] | None = None
    compared: str = "values"
    lost: dict[str, str] | None = None
    mismatches: tuple[MismatchEntry, ...] = ()
    mismatch_count: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the runner tells of one run (one batch of wide fixture values): seconds, workers.

    `number` tells the runs of one workload and configuration apart.
    """

    number: int
    wall: float
    startup: float
    granted: int
    start_method: str
    threads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds, and the ratios made of them; see `RunEntry.timing`."""

    serial: float | None
    parallel: float
    startup: float
    speedup: float | None
    efficiency: float | None
    bound: float | None
    bound_share: float | None
    reliable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """One workload in one configuration, with all its cases.

    `id` is the node id without parameters (calls: with `::map[0]`). `expected` is how many cases
    the workload has when complete; with fewer, or an unknown number (None), `exercised` is None.
    """

    id: str
    configuration_id: str
    backend: str
    asked: int | str
    policy: str
    facts: tuple[RunFacts, ...]
    cases: tuple[CaseEntry, ...]
    expected: int | None = None
    reliable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The JSON-safe digest of all runs of a session."""

    runs: tuple[RunEntry, ...]
    environment: dict[str, object] = field(default_factory=dict)
