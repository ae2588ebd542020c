"""The entries of the tasks of a case that is several of them."""

from __future__ import annotations

from ..model.dataclass import dataclass
from ..model.outcome import Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One of the tasks of a case that is several of them; its fields are those of `CaseEntry`."""

    verdict: Verdict
    parallel: float | None = None
    parallel_cpu: float | None = None
    worker: int | None = None
    process: int | None = None
    interval: tuple[float, float, float] | None = None

    @classmethod
    def of(cls, verdict: Verdict, outcome: Outcome) -> Repeat:
        """Return the entry of a task with this outcome."""
        return cls(
            verdict=verdict,
            parallel=outcome.seconds,
            parallel_cpu=outcome.cpu,
            worker=outcome.worker,
            process=outcome.process,
            interval=interval_of(outcome),
        )


def interval_of(sent: Outcome) -> tuple[float, float, float] | None:
    """Return when a task arrived in its worker, started and ended; None if it did not end."""
    if sent.arrived is None or sent.started is None or sent.ended is None:
        return None
    return sent.arrived, sent.started, sent.ended
