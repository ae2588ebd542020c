"""Copies for tasks that share the memory of this process: of what they get, of what they give."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Sequence
from contextlib import suppress

from ..machine.deadline import TimedOut, deadline
from ..model.work import Task
from ..transport.pickling import ATOMS, by_reference, load

__all__ = ["copy_arguments", "snapshot"]

#: What a task is called with.
Arguments = tuple[tuple[object, ...], dict[str, object]]


def copy_arguments(tasks: Sequence[Task]) -> list[Arguments]:
    """Return one copy of all arguments, shared among the tasks as the originals are.

    So a task in a thread may spoil its arguments, and those of other tasks, but never the input of
    the serial run. What cannot be copied (a lock, an open file), or not in the time that its task
    has, is passed as it is.
    """
    try:
        return _copied_by_pickle(tasks)
    except TimedOut:
        pass
    except Exception:
        with suppress(Exception, TimedOut):
            return _copied_deeply(tasks)
    return _copied_one_by_one(tasks)


def _copied_by_pickle(tasks: Sequence[Task]) -> list[Arguments]:
    """Copy task by task, each in its time; the pickler knows what it has met in earlier ones."""
    file, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
    pickler = pickle.Pickler(file, protocol=5, buffer_callback=buffers.append)
    for task in tasks:
        with deadline(task.timeout):
            pickler.dump((task.args, dict(task.kwargs)))
    file.seek(0)
    unpickler = pickle.Unpickler(file, buffers=map(_copied_buffer, buffers))
    copies: list[Arguments] = []
    for task in tasks:
        with deadline(task.timeout):
            copies.append(unpickler.load())
    return copies


def _copied_deeply(tasks: Sequence[Task]) -> list[Arguments]:
    memo: dict[int, object] = {}
    copies: list[Arguments] = []
    for task in tasks:
        with deadline(task.timeout):
            copies.append(copy.deepcopy((task.args, dict(task.kwargs)), memo))
    return copies


def _copied_one_by_one(tasks: Sequence[Task]) -> list[Arguments]:
    """Copy what can be copied; of a class that takes too long once, nothing is tried again."""
    memo: dict[int, object] = {}
    slow: set[type] = set()

    def copied(value: object, seconds: float | None) -> object:
        if id(value) in memo or type(value) in slow:
            return memo.get(id(value), value)
        memo[id(value)] = value
        try:
            with deadline(seconds):
                memo[id(value)] = _copy(value)
        except TimedOut:
            slow.add(type(value))
        except Exception:
            pass
        return memo[id(value)]

    return [
        (
            tuple(copied(arg, task.timeout) for arg in task.args),
            {key: copied(arg, task.timeout) for key, arg in task.kwargs.items()},
        )
        for task in tasks
    ]


def snapshot(value: object) -> object:
    """Return a copy of what a thread gave, as a process sends one: later writes leave it alone.

    What cannot be copied is returned as it is.
    """
    if type(value) in ATOMS:
        return value
    try:
        return _copy(value)
    except (KeyboardInterrupt, TimedOut):
        raise
    except BaseException:  # a `__reduce__` may raise SystemExit
        return value


def _copy(value: object) -> object:
    buffers: list[pickle.PickleBuffer] = []
    try:
        data = by_reference(value, protocol=5, buffer_callback=buffers.append)
    except Exception:
        # Not cloudpickle: what it loads overwrites the attributes of local classes, live here.
        return copy.deepcopy(value)
    return load(
        data,
        buffers=map(_copied_buffer, buffers),
    )


def _copied_buffer(buffer: pickle.PickleBuffer) -> object:
    view = buffer.raw()
    return memoryview(bytearray(view)).toreadonly() if view.readonly else bytearray(view)
