"""Copies for tasks that share the memory of this process: of their arguments and results."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from ..machine.deadline import TimedOut, deadline
from ..model.work import Task
from ..transport.pickling import ATOMS, dump_whole, load, make_pickler

#: Positional and keyword arguments of a task.
Arguments = tuple[tuple[object, ...], dict[str, object]]


class Copies(NamedTuple):
    """One copy of the arguments of all tasks, shared among the tasks as the originals are.

    So a task in a thread may modify its arguments, and those of other tasks, but never the input of
    the serial run. An argument that cannot be copied (a lock, an open file), or not within the
    timeout of its task, is passed itself: `shared` names the first such argument of each task.
    """

    arguments: Sequence[Arguments]
    shared: Mapping[int, str]

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Copies:
        """Copy the arguments of `tasks`."""
        try:
            return cls(_copied_by_pickle(tasks), {})
        except TimedOut:
            pass
        except Exception:
            with suppress(Exception, TimedOut):
                return cls(_copied_deeply(tasks), {})
        return _copied_one_by_one(tasks)

    def excerpt(self, tasks: Sequence[int]) -> Copies:
        """Return the copies of these tasks, renumbered in their order."""
        return Copies(
            [self.arguments[number] for number in tasks],
            {new: self.shared[old] for new, old in enumerate(tasks) if old in self.shared},
        )

    def again(self, tasks: Sequence[Task]) -> Copies:
        """Return copies of these copies for the same tasks; the originals stay unchanged."""
        return Copies.of(self.in_place(tasks))

    def in_place(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """Return the same tasks with these copies in place of their arguments."""
        return [
            replace(task, args=args, kwargs=kwargs)
            for task, (args, kwargs) in zip(tasks, self.arguments, strict=True)
        ]


def _copied_by_pickle(tasks: Sequence[Task]) -> list[Arguments]:
    """Copy task by task, each within its timeout; the pickler remembers objects of earlier ones."""
    file, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
    pickler = make_pickler(file, buffers.append)
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


def _copied_one_by_one(tasks: Sequence[Task]) -> Copies:
    """Copy each argument that can be copied; a class that took too long is not tried again."""
    memo: dict[int, object] = {}
    slow: set[type] = set()
    failed: set[int] = set()

    def copied(value: object, seconds: float | None) -> object:
        if id(value) in memo:
            return memo[id(value)]
        memo[id(value)] = value
        failed.add(id(value))
        if type(value) in slow:
            return value
        try:
            with deadline(seconds):
                memo[id(value)] = _copy(value)
            failed.remove(id(value))
        except TimedOut:
            slow.add(type(value))
        except Exception:
            pass
        return memo[id(value)]

    arguments = [
        (
            tuple(copied(arg, task.timeout) for arg in task.args),
            {key: copied(arg, task.timeout) for key, arg in task.kwargs.items()},
        )
        for task in tasks
    ]
    shared: dict[int, str] = {}
    for number, task in enumerate(tasks):
        named = [*enumerate(task.args, start=1), *task.kwargs.items()]
        if bad := [name for name, value in named if id(value) in failed]:
            shared[number] = f"argument {bad[0]!r}"
    return Copies(arguments, shared)


def snapshot(value: object) -> object:
    """Return a copy of a thread's result, so that later writes do not change it.

    A result that cannot be copied is returned itself.
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
        data = dump_whole(value, buffers.append)
    except Exception:
        # Not cloudpickle: loading would overwrite the attributes of local classes in this process.
        return copy.deepcopy(value)
    return load(
        data,
        buffers=map(_copied_buffer, buffers),
    )


def _copied_buffer(buffer: pickle.PickleBuffer) -> object:
    view = buffer.raw()
    return memoryview(bytearray(view)).toreadonly() if view.readonly else bytearray(view)
