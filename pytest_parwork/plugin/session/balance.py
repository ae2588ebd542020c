"""The scheduler for pytest-xdist that keeps the cases of a workload in one process."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import Any

from xdist.scheduler import LoadScheduling as Load

from .distribution import workloads


class LoadScheduling(Load):  # type: ignore[misc]  # xdist has no types
    """Distributes tests as xdist's default does, but each workload as a whole.

    It has the name of xdist's own class, which xdist prints. Without a workload it behaves exactly
    as that one.
    """

    @cached_property
    def _members(self) -> dict[int, frozenset[int]]:
        """For each item that belongs to a workload, all items of that workload."""
        found: dict[int, set[int]] = defaultdict(set)
        known = workloads(self.config)
        for item, workload in known.items():
            found[workload].add(item)
        whole = {workload: frozenset(items) for workload, items in found.items()}
        return {item: whole[workload] for item, workload in known.items()}

    def _send_tests(self, node: Any, num: int) -> None:
        """Send a process the next `num` tests, and the rest of their workloads."""
        if not self._members:
            super()._send_tests(node, num)
            return
        left = frozenset(self.pending)
        taken: set[int] = set()
        for item in self.pending:
            if len(taken) >= num:
                break
            taken |= self._members.get(item, frozenset((item,))) & left
        # To the front, in the order of collection: xdist's own method takes them from there.
        self.pending.sort(key=lambda item: item not in taken)
        super()._send_tests(node, len(taken))
