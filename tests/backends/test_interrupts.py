"""Ctrl-C at the worst moment is an interrupted run, in which each task has an outcome."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import parwork_faults as faults
import pytest
from support.carrier import Carrier, calls, outcomes

from pytest_parwork.backends.protocol import Backend
from pytest_parwork.runner import Interrupted

#: Those that start threads in the main thread when they are given batches.
NAMES = ["joblib", "joblib:threading", "joblib:multiprocessing", "multiprocessing:map", "threads"]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Name each backend in turn."""
    assert isinstance(request.param, str)
    return request.param


@pytest.mark.parametrize("is_running", [False, True])
@pytest.mark.usefixtures("keeps_helpers")
# A thread is ended by an exception, which may be raised in the middle of a finalizer.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_while_a_thread_is_started_is_an_interrupted_run(
    name: str, backends: Mapping[str, Backend], monkeypatch: pytest.MonkeyPatch, *, is_running: bool
) -> None:
    start = threading.Thread.start
    starting = threading.main_thread()

    def start_and_interrupt(self: threading.Thread) -> None:
        if threading.current_thread() is not starting:
            start(self)
            return
        monkeypatch.undo()
        if is_running:
            start(self)
        raise KeyboardInterrupt

    carrier = Carrier(name, backends[name])
    monkeypatch.setattr(threading.Thread, "start", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        carrier(calls(faults.innocent, *((x,) for x in range(12))))
    if isinstance(caught.value, Interrupted):
        found = outcomes(caught.value.run)
        assert {outcome.lost.reason for outcome in found if outcome.lost} <= {"interrupted"}
        found.close()
