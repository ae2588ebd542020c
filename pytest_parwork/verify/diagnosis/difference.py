"""The difference that a diagnosis explains."""

from __future__ import annotations

from ...equivalence import compare_outcomes
from ...model.comparison import OwnComparison, Policy
from ...model.dataclass import dataclass
from ...model.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first case of a run that differs, as pytest and a worker have seen it.

    `number` is its task, `actual` the outcome of the parallel run, `expected` that of the serial
    run. `earlier` are the tasks before it in the serial run, `earlier_in_worker` those that its
    worker started before it (on threads, all that started before it), both in order;
    `earlier_in_thread` are those of its own thread. Those that ran in threads, which have left what
    they did in the process of the serial run, are `earlier_in_threads`. `seconds` are those of both
    runs together.
    """

    number: int
    id: str
    actual: Outcome
    expected: Outcome
    policy: Policy
    own: OwnComparison | None
    timeout: float | None
    start_method: str
    earlier: tuple[int, ...]
    earlier_in_worker: tuple[int, ...]
    earlier_in_thread: tuple[int, ...] = ()
    earlier_in_threads: tuple[int, ...] = ()
    seconds: float

    @property
    def is_threaded(self) -> bool:
        """Whether it ran in a thread of pytest's process."""
        return self.start_method == "thread"

    def are_same(self, actual: Outcome, expected: Outcome) -> bool:
        """Return whether two outcomes of the case are the same by its policy."""
        return bool(
            compare_outcomes(actual, expected, self.policy, own=self.own, seconds=self.timeout)
        )

    @property
    def own_seconds(self) -> float:
        """The seconds of the case itself, in the slower run."""
        return max(self.actual.seconds or 0.0, self.expected.seconds or 0.0)
