"""The steps of running a batch in any worker: meet the others, call, catch everything."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import _exit, getpid  # imported now: a task may replace those of `os`
from typing import Any, NoReturn, Protocol

from ..machine.clock import now, sleep
from ..machine.deadline import TimedOut
from ..model.public import BACKENDS, public
from ..model.work import Batch
from ..transport.failures import is_skip
from ..transport.ledger import Kind, Ledger

#: Seconds between two checks whether the others have arrived.
GLANCE = 0.0003


@public(BACKENDS)
class BatchCall(Protocol):
    """Called by a worker for each batch; can be pickled, and raises no exception of a task.

    It returns the number of the batch; with reach `"network"`, bytes for `Event.body`.
    """

    def __call__(self, batch: Batch, /) -> Any: ...


def perform(
    function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]
) -> tuple[Kind, object]:
    """Call the function, and return its outcome: a value, a failure or a skip."""
    process = getpid()
    kind: Kind = "value"
    value: object
    try:
        value = function(*args, **kwargs)
    except TimedOut:  # raised by the runner, not by the function
        raise
    except BaseException as error:
        # SystemExit, KeyboardInterrupt and pytest's own outcomes end a library's worker.
        kind, value = ("skip" if is_skip(error) else "failure"), error
    end_copy_of(process)
    return kind, value


def in_thread(function: Callable[..., object]) -> Callable[..., object]:
    """Return the function, called in a new thread."""

    def call(*args: object, **kwargs: object) -> object:
        with ThreadPoolExecutor(1) as pool:  # it names its thread as the backend `threads` does
            return pool.submit(function, *args, **kwargs).result()

    return call


def end_copy_of(process: int) -> None:
    """End this process if it is a fork of `process`, made by a task that returned in both.

    The outcome belongs to the original process. The fork would store it a second time, in the same
    place, and then serve the library as an unknown worker.
    """
    if getpid() != process:
        _exit(0)


def exit_unusable(error: Exception) -> NoReturn:
    """End this process: an earlier task has broken what tasks are run with, `isinstance` say.

    Every further batch would fail here at once, and so in no time all that are left.
    """
    try:
        sys.__excepthook__(type(error), error, error.__traceback__)
    finally:
        _exit(1)


def meet(ledger: Ledger, batch: Batch, worker: int, patience: float) -> None:
    """Wait with the first task until the runner releases all workers."""
    ledger.arrive(batch.tasks[0], worker, now())
    deadline = now() + patience
    while not ledger.is_released and now() < deadline:
        sleep(GLANCE)
