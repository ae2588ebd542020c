"""Copies of arguments, for tasks that share the memory of this process, and of other values."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import FunctionType
from typing import Any, NamedTuple

from ..machine.deadline import TimedOut, deadline
from ..machine.system import mmap
from ..model.work import Task
from ..transport.pickling import ATOMS, dump_whole, load, make_pickler

#: Buffers of fewer bytes have no room for a huge page.
WORTH_HUGE = 1 << 22

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

    def copy_once(value: object, seconds: float | None) -> object:
        if id(value) in memo:
            return memo[id(value)]
        memo[id(value)] = value
        failed.add(id(value))
        if type(value) in slow:
            return value
        try:
            with deadline(seconds):
                memo[id(value)] = copied(value)
            failed.remove(id(value))
        except TimedOut:
            slow.add(type(value))
        except Exception:
            pass
        return memo[id(value)]

    arguments = [
        (
            tuple(copy_once(arg, task.timeout) for arg in task.args),
            {key: copy_once(arg, task.timeout) for key, arg in task.kwargs.items()},
        )
        for task in tasks
    ]
    shared: dict[int, str] = {}
    for number, task in enumerate(tasks):
        named = [*enumerate(task.args, start=1), *task.kwargs.items()]
        if bad := [name for name, value in named if id(value) in failed]:
            shared[number] = f"argument {bad[0]!r}"
    return Copies(arguments, shared)


def copied(value: object) -> object:
    """Return a copy of a value; raises whatever pickling and copying raise."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        data = dump_whole(value, buffers.append)
    except Exception:
        # Not cloudpickle: loading would overwrite the attributes of local classes in this process.
        try:
            return copy.deepcopy(value)
        except Exception:
            return _copied_around(value)
    return load(
        data,
        buffers=map(_copied_buffer, buffers),
    )


def _copied_around(value: object) -> object:
    """Copy all but those parts that cannot be copied, a lock say: they stay shared."""
    file, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
    pickler = _Sharing(file, protocol=5, buffer_callback=buffers.append)
    pickler.dump(value)
    if len(pickler.shared) == 1 and pickler.shared[0] is value:
        raise TypeError(f"cannot copy {type(value).__name__!r} object")
    file.seek(0)
    unpickler = _Resharing(file, buffers=map(_copied_buffer, buffers))
    unpickler.shared = pickler.shared
    return unpickler.load()


#: Types that always have a pickle, without a way to reduce them.
_READABLE = ATOMS | {list, tuple, dict, set, frozenset, bytearray, pickle.PickleBuffer}


class _Sharing(pickle.Pickler):
    """Refers by number to what has no pickle, and to all definitions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shared: list[object] = []

    def persistent_id(self, value: object) -> int | None:
        if type(value) in _READABLE:
            return None
        if not isinstance(value, type | FunctionType):
            with suppress(Exception):
                value.__reduce_ex__(5)
                return None
        self.shared.append(value)
        return len(self.shared) - 1


class _Resharing(pickle.Unpickler):
    shared: Sequence[object] = ()

    def persistent_load(self, number: int) -> object:
        return self.shared[number]


def copied_bytes(view: memoryview) -> bytearray | mmap.mmap:
    """Return a copy of the bytes of a large buffer, in huge pages where the system has them.

    Touching small ones for the first time takes longer than the copy: 80 MB 0.27 s, not 0.05 s.
    """
    if view.nbytes < WORTH_HUGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return bytearray(view)
    memory = mmap.mmap(-1, view.nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    memory[:] = view
    return memory


def _copied_buffer(buffer: pickle.PickleBuffer) -> object:
    view = buffer.raw()
    copy = copied_bytes(view)
    return memoryview(copy).toreadonly() if view.readonly else copy
