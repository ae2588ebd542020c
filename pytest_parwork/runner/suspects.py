"""Tasks of which one has ended the workers of all: each has to be tried alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Suspects", "Suspicion"]


@dataclass(slots=True, kw_only=True)
class Suspicion:
    """Tasks that were running when their workers ended for one `reason`, or their process `pid`.

    With `is_foreign`, the reason may be none of them: somebody has sent a signal.
    """

    reason: str
    tasks: list[int]
    pid: int | None = None
    is_foreign: bool = False
    cleared: set[int] = field(default_factory=set)


class Suspects:
    """The tasks to be tried, and the one that is: `alone`."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()
        self._suspicions: list[Suspicion] = []
        self.alone: int | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, task: object) -> bool:
        return task in self._waiting

    def accuse(
        self,
        tasks: Sequence[int],
        reason: str,
        *,
        pid: int | None = None,
        is_foreign: bool = False,
    ) -> None:
        """Take tasks of which one has ended the workers.

        Where these are told of one by one, `pid` says which belong together.
        """
        self._waiting.extend(tasks)
        for suspicion in self._suspicions:
            if pid is not None and suspicion.pid == pid:
                suspicion.tasks.extend(tasks)
                return
        self._suspicions.append(
            Suspicion(reason=reason, tasks=list(tasks), pid=pid, is_foreign=is_foreign)
        )

    def next(self) -> int | None:
        """Return the task to be tried now, None if there is none left."""
        self.alone = self._waiting.popleft() if self._waiting else None
        return self.alone

    def reason(self, task: int) -> str:
        """Return why a task is suspected last."""
        found = [each.reason for each in self._suspicions if task in each.tasks]
        return found[-1] if found else ""

    def clear(self, task: int) -> Suspicion | None:
        """Take note that a task ended well alone.

        Returns the suspicion if all of its tasks did: none of them explains what happened.
        """
        for suspicion in self._suspicions:
            if task in suspicion.tasks:
                suspicion.cleared.add(task)
                is_open = not suspicion.is_foreign
                if is_open and suspicion.cleared.issuperset(suspicion.tasks):
                    return suspicion
        return None

    def drop(self) -> list[int]:
        """Return the tasks that were not tried, and forget them."""
        left = list(self._waiting)
        self._waiting.clear()
        return left
