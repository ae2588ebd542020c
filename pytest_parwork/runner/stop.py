"""The condition under which a run stops early: enough of its tasks have failed."""

from __future__ import annotations

from collections.abc import Container, Sequence

from ..model.dataclass import dataclass
from ..transport.ledger import Ledger, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """After how many failures a run stops; failures of tasks in `tolerated` do not count.

    Tasks that come before the failed ones still run. `cases` are the numbers of the cases that the
    tasks belong to, in a row: a case fails once, when all its tasks have ended. Without it, each
    task is a case.
    """

    failures: int
    tolerated: frozenset[int] = frozenset()
    cases: Sequence[int] = ()

    def is_reached(
        self, ledger: Ledger, lost: Container[int], rejected: Container[int], tasks: int
    ) -> bool:
        """Return whether enough have failed, and no task before the last of these is open.

        The tasks are checked in their order, as pytest will report them. Those `lost` have no
        outcome, those `rejected` were never sent.
        """
        failed, has_failed = 0, False
        for task in range(tasks):
            is_lost = task in lost or task in rejected
            if not is_lost and ledger.state(task) is not State.STORED:
                return False
            is_bad = is_lost or ledger.place(task)[0] in ("failure", "not_sent")
            has_failed |= task not in self.tolerated and is_bad
            if self.cases[task + 1 : task + 2] == self.cases[task : task + 1] != ():
                continue  # not its last task
            failed += has_failed
            if failed == self.failures:
                return True
            has_failed = False
        return False
