"""Copies for tasks that share the memory of this process: of what they get, of what they give."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from typing import cast

from .model import Task
from .pickling import ATOMS

__all__ = ["copy_arguments", "snapshot"]


def copy_arguments(tasks: Sequence[Task]) -> list[tuple[tuple[object, ...], dict[str, object]]]:
    """Return one copy of all arguments, shared among the tasks as the originals are.

    So a task in a thread may spoil its arguments, and those of other tasks, but never the input of
    the serial run. What cannot be copied (a lock, an open file) is passed as it is.
    """
    calls = [(task.args, dict(task.kwargs)) for task in tasks]
    try:
        return cast("list[tuple[tuple[object, ...], dict[str, object]]]", _copy(calls))
    except Exception:
        memo: dict[int, object] = {}
        return [
            (
                tuple(_copy_or_keep(arg, memo) for arg in args),
                {key: _copy_or_keep(arg, memo) for key, arg in kwargs.items()},
            )
            for args, kwargs in calls
        ]


def snapshot(value: object) -> object:
    """Return a copy of what a thread gave, as a process sends one: later writes leave it alone.

    What cannot be copied is returned as it is.
    """
    if type(value) in ATOMS:
        return value
    try:
        return _copy(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a `__reduce__` may raise SystemExit
        return value


def _copy(value: object) -> object:
    buffers: list[pickle.PickleBuffer] = []
    try:
        data = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    except Exception:
        # Not cloudpickle: what it loads overwrites the attributes of local classes, live here.
        return copy.deepcopy(value)
    return pickle.loads(
        data,
        buffers=[
            memoryview(bytearray(view)).toreadonly() if view.readonly else bytearray(view)
            for view in (buffer.raw() for buffer in buffers)
        ],
    )


def _copy_or_keep(value: object, memo: dict[int, object]) -> object:
    if id(value) not in memo:
        try:
            memo[id(value)] = _copy(value)
        except Exception:
            memo[id(value)] = value
    return memo[id(value)]
