"""Copies of arguments, for tasks that share the memory of this process, and of other values."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import compress
from typing import Any, NamedTuple

from ..machine.deadline import Shared, TimedOut, deadline
from ..machine.system import mmap
from ..model.work import Task
from ..transport.identity import Identities, find_kept
from ..transport.pickling import (
    ATOM_IDS,
    Interruptible,
    dump_whole,
    is_worth_searching,
    load,
    make_pickler,
)

#: Buffers of fewer bytes have no room for a huge page.
WORTH_HUGE = 1 << 22

#: Positional and keyword arguments of a task.
Arguments = tuple[tuple[object, ...], dict[str, object]]


class Copies(NamedTuple):
    """One copy of the arguments of all tasks, shared among the tasks as the originals are.

    So a task in a thread may modify its arguments, and those of other tasks, but never the input of
    the serial run. An argument that cannot be copied (a lock, an open file), or not within the
    timeout of its task, is passed itself: `shared` names the first such argument of each task.

    What arrives as itself, by the rule of `transport.identity`, is not copied either; `empty` are
    those objects that had no attributes.
    """

    arguments: Sequence[Arguments]
    shared: Mapping[int, str]
    empty: Sequence[object] = ()

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Copies:
        """Copy the arguments of `tasks`."""
        identities = Identities(for_threads=True)
        try:
            return cls(_copied_by_pickle(tasks, identities), {}, identities.empty)
        except TimedOut:
            pass
        except Exception:
            _find_all(tasks, identities)
            with suppress(Exception, TimedOut):
                return cls(_copied_deeply(tasks, _memo(identities)), {}, identities.empty)
        return _copied_one_by_one(tasks, identities)

    def excerpt(self, tasks: Sequence[int]) -> Copies:
        """Return the copies of these tasks, renumbered in their order."""
        return Copies(
            [self.arguments[number] for number in tasks],
            {new: self.shared[old] for new, old in enumerate(tasks) if old in self.shared},
            self.empty,
        )

    def restore(self) -> None:
        """Remove what tasks have added to objects without attributes, before the serial run."""
        for value in self.empty:
            if hasattr(value, "__dict__"):
                vars(value).clear()

    def again(self, tasks: Sequence[Task]) -> Copies:
        """Return copies of these copies for the same tasks; the originals stay unchanged."""
        return Copies.of(self.in_place(tasks))

    def in_place(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """Return the same tasks with these copies in place of their arguments."""
        return [
            task if _is_atomic(task) else replace(task, args=args, kwargs=kwargs)
            for task, (args, kwargs) in zip(tasks, self.arguments, strict=True)
        ]


def _copied_by_pickle(
    tasks: Sequence[Task], identities: Identities, *, is_searching: bool = False
) -> list[Arguments]:
    """Copy task by task, each within its timeout; the pickler remembers objects of earlier ones.

    Atoms are passed themselves; a task that has nothing else is not pickled.
    """
    compound = [not _is_atomic(task) for task in tasks]
    file, buffers = Interruptible(), list[pickle.PickleBuffer]()
    pickler = make_pickler(file, buffers.append, identities, is_searching=is_searching)
    for task in compress(tasks, compound):
        with deadline(task.timeout):
            pickler.dump((task.args, dict(task.kwargs)))
    if not is_searching and is_worth_searching(file.getvalue()):
        return _copied_by_pickle(tasks, identities, is_searching=True)
    file.seek(0)
    unpickler = _Unpickler(file, buffers, identities.kept)
    copies: list[Arguments] = []
    for task, is_compound in zip(tasks, compound, strict=True):
        if not is_compound:
            copies.append((task.args, dict(task.kwargs)))
            continue
        with deadline(task.timeout):
            args, kwargs = unpickler.load()
        copies.append(
            (
                tuple(map(_atom_or_copy, task.args, args)),
                {key: _atom_or_copy(task.kwargs[key], value) for key, value in kwargs.items()},
            )
        )
    return copies


class _Unpickler(pickle.Unpickler):
    """Finds the objects that are passed themselves."""

    def __init__(
        self, file: io.BytesIO, buffers: Sequence[pickle.PickleBuffer], kept: Sequence[object]
    ) -> None:
        super().__init__(file, buffers=map(copied_buffer, buffers))
        self._kept = kept

    def persistent_load(self, number: Any, /) -> object:
        return self._kept[number]

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) == (find_kept.__module__, find_kept.__name__):
            return self._kept.__getitem__
        return super().find_class(module, name)


def is_atom(value: object) -> bool:
    """Return whether a value has no parts that can change; the hash of its class may raise."""
    return id(type(value)) in ATOM_IDS


def _is_atomic(task: Task) -> bool:
    return ATOM_IDS.issuperset(map(id, map(type, (*task.args, *task.kwargs.values()))))


def _atom_or_copy(value: object, copied: object) -> object:
    return value if is_atom(value) else copied


def _find_all(tasks: Sequence[Task], identities: Identities) -> None:
    """Find all objects that arrive as themselves, also behind one that cannot be pickled."""
    for task in tasks:
        for value in (*task.args, *task.kwargs.values()):
            with suppress(Exception, TimedOut), deadline(task.timeout):
                nowhere = make_pickler(io.BytesIO(), lambda _: None, identities, is_searching=True)
                nowhere.dump(value)


def _copied_deeply(tasks: Sequence[Task], memo: dict[int, object]) -> list[Arguments]:
    copies: list[Arguments] = []
    for task in tasks:
        with deadline(task.timeout):
            copies.append(copy.deepcopy((task.args, dict(task.kwargs)), memo))
    return copies


def _copied_one_by_one(tasks: Sequence[Task], identities: Identities) -> Copies:
    """Copy each argument that can be copied; a class that took too long is not tried again."""
    memo = _memo(identities)
    slow: set[int] = set()  # ids of classes, which may have no hash
    failed: set[int] = set()

    def copy_once(value: object, seconds: float | None) -> object:
        if id(value) in memo:
            return memo[id(value)]
        memo[id(value)] = value
        failed.add(id(value))
        if id(type(value)) in slow:
            return value
        try:
            with deadline(seconds):
                memo[id(value)] = copied(value, identities)
            failed.remove(id(value))
        except TimedOut:
            slow.add(id(type(value)))
        except Exception:
            pass
        return memo[id(value)]

    arguments = [
        (
            tuple(copy_once(arg, limit) for arg in task.args),
            {key: copy_once(arg, limit) for key, arg in task.kwargs.items()},
        )
        for task, limit in ((task, Shared.of(task.timeout)) for task in tasks)
    ]
    shared: dict[int, str] = {}
    for number, task in enumerate(tasks):
        named = [*enumerate(task.args, start=1), *task.kwargs.items()]
        if bad := [name for name, value in named if id(value) in failed]:
            shared[number] = f"argument {bad[0]!r}"
    return Copies(arguments, shared, identities.empty)


def copied(value: object, identities: Identities | None = None) -> object:
    """Return a copy of a value; raises whatever pickling and copying raise."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        data = dump_whole(value, buffers.append, identities, is_interruptible=True)
    except Exception:
        # Not cloudpickle: loading would overwrite the attributes of local classes in this process.
        return copy.deepcopy(value, _memo(identities))
    if identities is None:
        return load(data, buffers=map(copied_buffer, buffers))
    return _Unpickler(io.BytesIO(data), buffers, identities.kept).load()


def _memo(identities: Identities | None) -> dict[int, object]:
    """Return the memo for `deepcopy` with which it returns what arrives as itself."""
    return {} if identities is None else {id(value): value for value in identities.kept}


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


def copied_buffer(buffer: pickle.PickleBuffer) -> object:
    view = buffer.raw()
    copy = copied_bytes(view)
    return memoryview(copy).toreadonly() if view.readonly else copy
