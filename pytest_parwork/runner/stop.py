"""The condition under which a run stops early: enough of its tasks have failed."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from ..transport.ledger import Ledger, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """After how many failures a run stops; failures of tasks in `tolerated` do not count.

    Tasks that come before the failed ones still run.
    """

    failures: int
    tolerated: frozenset[int] = frozenset()

    def is_reached(
        self, ledger: Ledger, lost: Container[int], rejected: Container[int], tasks: int
    ) -> bool:
        """Return whether enough have failed, and no task before the last of these is open.

        The tasks are checked in their order, as pytest will report them. Those `lost` have no
        outcome, those `rejected` were never sent.
        """
        failed = 0
        for task in range(tasks):
            is_lost = task in lost or task in rejected
            if not is_lost and ledger.state(task) is not State.STORED:
                return False
            is_bad = is_lost or ledger.place(task)[0] in ("failure", "not_sent")
            if task not in self.tolerated and is_bad:
                failed += 1
                if failed == self.failures:
                    return True
        return False
