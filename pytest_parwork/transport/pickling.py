"""The serialisation of values."""

from __future__ import annotations

import copyreg
import functools
import io
import pickle
import sys
import traceback
from collections.abc import Callable
from enum import Enum
from types import FunctionType
from typing import Any, ClassVar, NamedTuple, Protocol

from .layout import reduce_array

#: As they were when this process started: a task may replace them for all that come after it.
by_reference, load, _Pickler = pickle.dumps, pickle.loads, pickle.Pickler

#: Buffers of fewer bytes stay inside the pickle: a mapping costs more than the copy.
OUT_OF_BAND = 1 << 16

#: Modules with classes that are not pickled as they would be by themselves.
_OWN_REDUCERS = frozenset({"numpy.ma", "matplotlib.figure"})

#: Types whose values, with all their parts, are immutable.
ATOMS = frozenset({bool, bytes, complex, float, int, str, type(None)})


class Themselves(Protocol):
    """Says which objects arrive as themselves; `transport.identity` has the rule."""

    def reduce(self, value: object) -> Any:
        """Return what is sent for such an object, None for any other."""
        ...

    def reduce_definition(self, value: object) -> Any:
        """Return the same for a function or class that would be sent by value."""
        ...

    def mark_nans(self, value: object) -> object:
        """Return `value` with such objects in place of the NaNs that are."""
        ...


def dumps(
    value: object,
    buffers: list[pickle.PickleBuffer] | None = None,
    *,
    is_result: bool = False,
    themselves: Themselves | None = None,
    is_interruptible: bool = False,
) -> bytes:
    """Serialise by reference where possible, else by value, as `by_value` does.

    Large contiguous buffers are appended to `buffers`, where given. `themselves` says which objects
    are to arrive as themselves. With `is_interruptible`, a deadline ends it wherever it is. Raises
    whatever pickling raises.
    """
    if type(value) in ATOMS and not (themselves is not None and value != value):
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
        data = dump_whole(value, callback, themselves, is_interruptible=is_interruptible)
    except Exception:
        pass
    else:
        if b"__main__" not in data:  # which is a different module in a worker
            return data
    if buffers is not None:
        buffers.clear()
    file = Interruptible() if is_interruptible else io.BytesIO()
    pickler = by_value()(
        file,
        protocol=5,
        buffer_callback=callback,
        is_tracked=not is_result,
        themselves=themselves,
    )
    pickler.dump(value)
    return file.getvalue()


def dump_whole(
    value: object,
    callback: Callable[[Any], Any] | None,
    themselves: Themselves | None = None,
    *,
    is_interruptible: bool = False,
) -> bytes:
    """Serialise by reference, without dropping a part of NumPy's values; raises as pickle does."""
    is_plain = themselves is None and not _OWN_REDUCERS & sys.modules.keys()
    if is_plain and not is_interruptible:
        return by_reference(value, protocol=5, buffer_callback=callback)
    kind = Interruptible if is_interruptible else io.BytesIO
    file = kind()
    make_pickler(file, callback, themselves).dump(value)
    data = file.getvalue()
    if themselves is not None and may_have_nan(data):
        file = kind()
        make_pickler(file, callback, themselves).dump(themselves.mark_nans(value))
        data = file.getvalue()
    return data


class Interruptible(io.BytesIO):
    """A file that returns to Python for every 64 KiB, where a thread can be ended.

    A list subclass whose `__iter__` is `itertools.repeat(1)` would otherwise be serialised in C
    without end, and no other thread would run meanwhile.
    """

    def write(self, data: Any, /) -> int:
        """Write some bytes."""
        return super().write(data)


def may_have_nan(data: bytes) -> bool:
    """Return whether a pickle may have a NaN; bytes of a text may look like one."""
    return b"G\x7f\xf8" in data or b"G\xff\xf8" in data


def make_pickler(
    file: io.BytesIO,
    callback: Callable[[Any], Any] | None,
    themselves: Themselves | None = None,
) -> pickle.Pickler:
    """Return a pickler by reference that drops no part of NumPy's values."""
    if themselves is None:
        pickler = _Pickler(file, protocol=5, buffer_callback=callback)
    else:
        pickler = _Asking(file, protocol=5, buffer_callback=callback)
        pickler.themselves = themselves
    if _OWN_REDUCERS & sys.modules.keys():
        reducers: dict[type, Any] = dict(copyreg.dispatch_table)
        if (masked := sys.modules.get("numpy.ma")) is not None:
            reducers[masked.MaskedArray] = _reduce_masked
        if (figures := sys.modules.get("matplotlib.figure")) is not None:
            reducers[figures.Figure] = _reduce_figure
        pickler.dispatch_table = reducers  # a dict: no other mapping is looked up without a call
    return pickler


def _reduce_figure(figure: Any) -> Any:
    """Reduce a figure without its place in pyplot, where its copy would be opened, too."""
    maker, args, state, *rest = figure.__reduce_ex__(2)
    return maker, args, {k: v for k, v in state.items() if k != "_restore_to_pylab"}, *rest


class _Asking(pickle.Pickler):
    """Asks for each object which is no built-in type whether it is to arrive as itself."""

    themselves: Themselves

    def reducer_override(self, value: Any) -> Any:
        return self.themselves.reduce(value) or reduce_array(value) or NotImplemented


def _reduce_masked(array: Any) -> Any:
    """Reduce a masked array with its hard mask, which its own `__reduce__` drops."""
    reduced = array.__reduce__()
    return (*reduced, None, None, _restore_hard_mask) if array.hardmask else reduced


def _restore_hard_mask(array: Any, state: Any) -> None:
    array.__setstate__(state)
    array.harden_mask()


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
            self._themselves = themselves

        def reducer_override(self, value: Any) -> Any:
            masked = sys.modules.get("numpy.ma")
            if masked is not None and type(value) is masked.MaskedArray:
                return _reduce_masked(value)
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
