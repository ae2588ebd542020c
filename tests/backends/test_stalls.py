"""Runs that are slow are not taken for runs that have come to a halt."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess

import parwork_faults as faults
import pytest
from carrier import Carrier

from pytest_parwork.backends import contexts
from pytest_parwork.backends.base import Backend, Workers
from pytest_parwork.model import Task


def test_processes_that_start_slowly_after_a_crash_are_no_standstill(
    backends: Mapping[str, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = contexts.Processes.start

    def slow_start(
        self: contexts.Processes, call: Callable[..., object], *args: object
    ) -> BaseProcess:
        time.sleep(0.03)  # as on a machine that has much else to do
        return start(self, call, *args)

    monkeypatch.setattr(contexts.Processes, "start", slow_start)
    backend = Counting(backends["isolated:fork"])
    carrier = Carrier("isolated:fork", backend)
    tasks = [Task(id=str(n), function=faults.innocent, args=(n,)) for n in range(120)]
    tasks[-1] = Task(id="guilty", function=faults.exits)  # the last one comes first
    run = carrier(tasks, chunksize=60)
    lost = [n for n, outcome in enumerate(run.outcomes) if outcome.kind == "lost"]
    carrier.close()
    assert lost == [119]
    assert backend.starts == 1


class Counting:
    """A backend that counts how often it is started: once more for each set of new workers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.starts = 0

    def start(self, workers: int, /) -> Workers:
        self.starts += 1
        return self._backend.start(workers)

    def close(self) -> None:
        self._backend.close()
