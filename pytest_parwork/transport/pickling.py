"""The serialisation of values."""

from __future__ import annotations

import functools
import io
import pickle
import re
import sys
import traceback
from collections.abc import Callable
from enum import Enum
from types import FunctionType
from typing import Any, ClassVar, NamedTuple, Protocol

from .layout import reduce_array
from .reducers import find_reducers, needs_own_reducers, own_reducers, reduce_member

#: As they were when this process started: a task may replace them for all that come after it.
by_reference, load, _Pickler = pickle.dumps, pickle.loads, pickle.Pickler

#: Buffers of fewer bytes stay inside the pickle: a mapping costs more than the copy.
OUT_OF_BAND = 1 << 16

#: Pickles with more bytes are not searched for texts and tuples.
SEARCHED = 1 << 16

#: How a pickle names the module `__main__`, which is a different one in a worker. Texts contain
#: that name, too: one of Python's own warning filters, with which every run is sent, does.
MAIN = b"\x8c\x08__main__"

#: The beginning of a marked pickle: the protocol, then None is pushed and popped.
MARKED = b"\x80\x05N0"

#: How a pickle begins: protocol and frame. How texts, bytes, tuples and frozensets are written.
_HEAD, _SEARCHED_TYPES = 11, re.compile(rb"[\x8cXCB\x85-\x87t\x91]")

#: How NaN and infinity begin in a pickle.
_NOT_FINITE = (b"G\x7f\xf8", b"G\xff\xf8", b"G\x7f\xf0", b"G\xff\xf0")

#: Types whose values, with all their parts, are immutable.
ATOMS = frozenset({bool, bytes, complex, float, int, str, type(None)})
ATOM_IDS = frozenset(map(id, ATOMS))  # to hash a class may call its metaclass


class Themselves(Protocol):
    """Says which objects arrive as themselves; `transport.identity` has the rule."""

    def reduce(self, value: object) -> Any:
        """Return what is sent for such an object, None for any other."""
        ...

    def reduce_definition(self, value: object) -> Any:
        """Return the same for a function or class that would be sent by value."""
        ...

    def find(self, value: object) -> object:
        """Return what stands for such an object in a pickle, None for any other.

        In contrast to `reduce`, it is asked for texts, tuples and the like, too.
        """
        ...


def dumps(
    value: object,
    buffers: list[pickle.PickleBuffer] | None = None,
    *,
    is_result: bool = False,
    themselves: Themselves | None = None,
    is_interruptible: bool = False,
    remember: Callable[[Any], None] | None = None,
) -> bytes:
    """Serialise by reference where possible, else by value, as `by_value` does.

    Large contiguous buffers are appended to `buffers`, where given. `themselves` says which objects
    are to arrive as themselves. With `is_interruptible`, a deadline ends it wherever it is. The
    memo of a pickle that is not long goes to `remember`. Raises whatever pickling raises.
    """
    if id(type(value)) in ATOM_IDS and (themselves is None or themselves.find(value) is None):
        return by_reference(value, protocol=5)

    def keep(buffer: pickle.PickleBuffer) -> bool:
        assert buffers is not None
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        buffers.append(buffer)
        return False

    callback = None if buffers is None else keep
    try:
        data = dump_whole(
            value, callback, themselves, is_interruptible=is_interruptible, remember=remember
        )
    except Exception:
        pass
    else:
        if MAIN not in data:
            return data
    if buffers is not None:
        buffers.clear()
    file = Interruptible() if is_interruptible else io.BytesIO()
    pickler = by_value()(
        file, protocol=5, buffer_callback=callback, is_tracked=not is_result, themselves=themselves
    )
    pickler.dump(value)
    return file.getvalue() if themselves is None else mark(file.getvalue())


def dump_whole(
    value: object,
    callback: Callable[[Any], Any] | None,
    themselves: Themselves | None = None,
    *,
    is_interruptible: bool = False,
    remember: Callable[[Any], None] | None = None,
) -> bytes:
    """Serialise by reference, without dropping a part of NumPy's values; raises as pickle does."""
    is_plain = themselves is None and not needs_own_reducers()
    if is_plain and not is_interruptible:
        return by_reference(value, protocol=5, buffer_callback=callback)
    kind = Interruptible if is_interruptible else io.BytesIO
    answers: list[object] = []

    def answer(buffer: pickle.PickleBuffer) -> object:
        assert callback is not None
        answers.append(callback(buffer))
        return answers[-1]

    file = kind()
    pickler = make_pickler(file, answer if callback is not None else None, themselves)
    pickler.dump(value)
    data = file.getvalue()
    if remember is not None and len(data) <= SEARCHED:
        remember(pickler.memo.copy())
    if themselves is None or not is_worth_searching(data):
        return data
    file, known = kind(), iter(answers)
    again = (lambda _: next(known)) if callback is not None else None  # `callback` has them all
    make_pickler(file, again, themselves, is_searching=True).dump(value)
    found = file.getvalue()
    return data if found == data else mark(found)


class Interruptible(io.BytesIO):
    """A file that returns to Python for every 64 KiB, where a thread can be ended.

    A list subclass whose `__iter__` is `itertools.repeat(1)` would otherwise be serialised in C
    without end, and no other thread would run meanwhile.
    """

    def write(self, data: Any, /) -> int:
        """Write some bytes."""
        return super().write(data)


def mark(data: bytes) -> bytes:
    """Mark a pickle that only `held.load_sent` can load, because of what `find` returned."""
    return MARKED + data[2:]


def is_worth_searching(data: bytes) -> bool:
    """Return whether texts, tuples and the like may have to arrive as themselves.

    In a long pickle only a NaN may, or an infinity, because asking takes 0.1 us for each part. What
    looks like one, or like a text, may be the bytes of something else.
    """
    if len(data) <= SEARCHED and _SEARCHED_TYPES.search(data, _HEAD) is not None:
        return True
    return any(float in data for float in _NOT_FINITE)


def make_pickler(
    file: io.BytesIO,
    callback: Callable[[Any], Any] | None,
    themselves: Themselves | None = None,
    *,
    is_searching: bool = False,
) -> pickle.Pickler:
    """Return a pickler by reference that drops no part of NumPy's values.

    If it `is_searching`, it asks for texts, tuples and the like as well.
    """
    if themselves is None:
        pickler = _Pickler(file, protocol=5, buffer_callback=callback)
    else:
        pickler = (_Searching if is_searching else _Asking)(
            file, protocol=5, buffer_callback=callback
        )
        pickler.themselves = themselves
    if needs_own_reducers():
        pickler.dispatch_table = own_reducers()
    return pickler


class _Asking(pickle.Pickler):
    """Asks for each object which is no built-in type whether it is to arrive as itself."""

    themselves: Themselves

    def reducer_override(self, value: Any) -> Any:
        found = self.themselves.reduce(value) or reduce_array(value) or reduce_member(value)
        return found or NotImplemented


class _Searching(_Asking):
    """Asks for the values of built-in types as well."""

    def persistent_id(self, value: Any) -> Any:
        return self.themselves.find(value)


@functools.cache
def by_value() -> Any:
    """Return cloudpickle's pickler, except that classes are sent whole, and no open files.

    It drops qualified names, slots and Enum aliases, and sends the rest of a text file as an
    `io.StringIO`: silently a different value of a different class. `is_tracked` lets a class that
    is sent again be the same class in its worker. A result must not be tracked: its class would be
    the one that was sent as an argument, and overwrite that.
    """
    import cloudpickle  # here, because most runs never need it

    plain: Any = cloudpickle.Pickler
    reduce_stream = plain.dispatch_table[io.TextIOWrapper]

    def reduce_file(file: io.TextIOWrapper) -> Any:
        if file is sys.stdout or file is sys.stderr:  # which each process has
            return reduce_stream(file)
        raise TypeError(
            f"cannot pickle the open file {file.name!r}; use its path, or what is read from it"
        )

    class ByValue(plain):  # type: ignore[misc]  # without types
        dispatch_table: ClassVar[Any] = plain.dispatch_table.new_child(
            {io.TextIOWrapper: reduce_file}
        )

        def __init__(
            self,
            *args: Any,
            is_tracked: bool = True,
            themselves: Themselves | None = None,
            **kwargs: Any,
        ) -> None:
            super().__init__(*args, **kwargs)
            self._is_tracked = is_tracked
            self._reducers = find_reducers()
            self._themselves = themselves

        def persistent_id(self, value: Any) -> Any:
            return None if self._themselves is None else self._themselves.find(value)

        def reducer_override(self, value: Any) -> Any:
            own = self._reducers.get(type(value), reduce_member)(value)
            if own is not None:
                return own
            themselves = self._themselves
            if themselves is not None:
                found = themselves.reduce(value) or reduce_array(value)
                if found is not None:
                    return found
            reduced = super().reducer_override(value)
            is_by_value = isinstance(value, type | FunctionType) and isinstance(reduced, tuple)
            if themselves is not None and is_by_value:
                found = themselves.reduce_definition(value)
                if found is not None:
                    return found
            if isinstance(value, type) and isinstance(reduced, tuple) and len(reduced) == 6:
                return _complete_class(value, reduced, is_tracked=self._is_tracked)
            return reduced

    return ByValue


def name_class_by_value(error: BaseException) -> str:
    """Return the name of the class sent by value that could not be loaded, empty if none."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in frames:
        if frame.f_code.co_name in ("_make_skeleton_class", "_make_skeleton_enum"):
            return str(frame.f_locals.get("name", ""))
        if frame.f_code.co_name == "_class_setstate":
            return str(getattr(frame.f_locals.get("obj"), "__qualname__", ""))
    return ""


def _complete_class(value: type, reduced: Any, *, is_tracked: bool) -> Any:
    """Return what cloudpickle makes of a class, with the parts that it drops."""
    maker, (*head, known, number, extra), (contents, slots), *rest = reduced
    if issubclass(value, Enum):  # then `known` is the module, after the members
        *head, _ = head
        head.append({name: member.value for name, member in value.__members__.items()})
        contents = {k: part for k, part in contents.items() if k not in value.__members__}
    else:
        known = known | {"__qualname__": value.__qualname__}
        if "__slots__" in vars(value) and NamedTuple not in vars(value).get("__orig_bases__", ()):
            known["__slots__"] = vars(value)["__slots__"]
    number = number if is_tracked else None
    return maker, (*head, known, number, extra), (contents, slots), *rest
