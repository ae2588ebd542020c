"""What carrying out a batch is, wherever that happens: meet the others, call, catch all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .clock import now
from .deadline import TimedOut
from .failures import is_skip
from .ledger import Kind, Ledger
from .schedule import Batch

__all__ = ["GLANCE", "BatchCall", "meet", "perform"]

#: Seconds between two looks at whether the others have arrived.
GLANCE = 0.0003


class BatchCall(Protocol):
    """What a backend's library is asked to call for each batch.

    It returns the batch's number; where nothing is shared, the outcomes as bytes.
    """

    def __call__(self, batch: Batch, /) -> Any: ...


def perform(
    function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]
) -> tuple[Kind, object]:
    """Call, and return what came: a value, a failure or a skip."""
    try:
        return "value", function(*args, **kwargs)
    except TimedOut:  # raised by the runner, not by the function
        raise
    except BaseException as error:
        # SystemExit, KeyboardInterrupt and pytest's own outcomes end a library's worker.
        return ("skip" if is_skip(error) else "failure"), error


def meet(ledger: Ledger, batch: Batch, worker: int, patience: float) -> None:
    """Wait with the first task in hand until the runner says that all have arrived."""
    ledger.arrive(batch.tasks[0], worker, now())
    deadline = now() + patience
    while not ledger.is_released and now() < deadline:
        time.sleep(GLANCE)
