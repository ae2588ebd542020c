"""The explanation of values that cannot be pickled: which part of them, and why."""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from types import CellType, FunctionType, MethodType
from typing import Any, NamedTuple

from ..machine.clock import now
from ..machine.deadline import TimedOut, deadline
from ..model.dataclass import dataclass
from ..model.outcome import NotSent
from .failures import type_name
from .pickling import ATOMS, by_value

#: Limit of the search in seconds: it runs code of the user.
SECONDS = 2.0

#: Limit of the objects that the search remembers, at some 200 bytes each.
MOST = 500_000

#: Longest path in characters; the middle of a longer one is omitted.
PATH_LIMIT = 160

#: A step from a value to a part of it: a format, and its argument.
Step = tuple[str, object]


@dataclass(frozen=True, slots=True)
class _Culprit:
    """A part that cannot be pickled, its path (empty for the value itself), and the error."""

    path: str
    part: object
    error: BaseException


class _Many(Exception):  # noqa: N818, it is not an error
    """Raised where there are more objects than the search may remember."""


class Explanation(NamedTuple):
    """The part of a value that cannot be pickled: its path, its class, and a text that says why."""

    path: str
    cls: type
    text: str


def explain(value: object, error: BaseException, *, seconds: float = SECONDS) -> str:
    """Say which part of `value` cannot be pickled, and why: `.model.lock: cannot pickle …`."""
    return find_culprit(value, error, seconds=seconds).text


def find_culprit(value: object, error: BaseException, *, seconds: float = SECONDS) -> Explanation:
    """Find the part of `value` that cannot be pickled.

    The search takes at most `seconds`; the text says so if the part was not found.
    """
    found, said, remark = _Culprit("", value, error), _last_name(error), ""
    try:
        with deadline(seconds):
            said = _first_line(error)
            found = _Search(value, error, now() + seconds).culprit()
            said = _first_line(found.error)
    except TimedOut:
        remark = f" (the search for the part at fault took longer than {seconds:g} s)"
    except _Many:
        remark = f" (the part at fault is not among the first {MOST:,} objects)"
    except KeyboardInterrupt:
        raise
    except BaseException:  # a value whose parts cannot be read is named as a whole
        pass
    path = _shortened(found.path)
    text = f"{path or 'it'} is a {type_name(type(found.part))}: {said}{remark}"
    return Explanation(path, type(found.part), text)


def _first_line(error: BaseException) -> str:
    try:
        text = str.__str__(str(error)).partition("\n")[0][:200]
    except BaseException:  # its class may raise anything
        text = ""
    return text or _last_name(error)


def _last_name(error: BaseException) -> str:
    return type_name(type(error)).rpartition(".")[2]


def unsendable_result(value: object, error: BaseException) -> NotSent:
    """Return why a result cannot be sent back, after pickling it has raised."""
    found = find_culprit(value, error)
    detail = f"the result cannot be sent back from a worker: {found.text}"
    return NotSent(reason="result", detail=detail, path=found.path, remedy=_remedy(found.cls))


def _remedy(cls: type) -> str:
    """Say what to return instead of an instance of a class, empty if nothing is known."""
    try:
        # Here, because few workers need what it takes along.
        from ..equivalence.opaque import advise

        return advise(cls)
    except Exception:  # the task has changed what imports need, or its class raises
        return ""


class _Search:
    """Watches a pickler, which visits each object before it fails on one of them.

    Pickling each part on its own instead would take quadratic time where the parts share objects:
    22 s for a list of 20,000 objects.
    """

    def __init__(self, value: object, error: BaseException, until: float) -> None:
        self._value = value
        self._error = error
        self._until = until

    def culprit(self) -> _Culprit:
        value, path, error = self._value, "", self._error
        met: list[object] = []
        if self._failure(value, met) is None:
            return _Culprit(path, value, error)  # this time it can be pickled
        while (last := met[-1]) is not value:
            further: list[object] = []
            inner = self._failure(last, further)
            way = None if inner is None else self._way(value, last, met)
            if inner is None or way is None:
                return self._deepest(_Culprit(path, value, error), met)
            # On its own, it may fail further on: where the whole was nested too deeply.
            value, path, error, met = last, path + way, inner, further
        return _Culprit(path, value, error)

    def _failure(self, part: object, met: list[object] | None = None) -> BaseException | None:
        """Pickle a part, and return the exception, None if there is none; fill `met` meanwhile."""
        try:
            _pickler()(self._until, met).dump(part)
        except (_Many, TimedOut):
            raise
        except KeyboardInterrupt as error:
            # Not isinstance: an exception may raise where it is asked for its class.
            if issubclass(type(self._error), KeyboardInterrupt):  # raised by the value, not Ctrl-C
                return error
            raise
        except BaseException as error:  # a task's result may raise anything, even SystemExit
            return error
        return None

    def _way(self, start: object, end: object, met: Sequence[object]) -> str | None:
        """Return the shortest path between two objects, through visited ones only, if any."""
        allowed = set(map(id, met))
        before: dict[int, tuple[int, Step] | None] = {id(start): None}
        todo = deque([start])
        while todo:
            value = todo.popleft()
            self._check()
            for step, part in _parts(value):
                key = id(part)
                if key in before or key not in allowed:
                    continue
                before[key] = (id(value), step)
                if part is end:
                    return _path(before, key)
                todo.append(part)
        return None

    def _deepest(self, found: _Culprit, met: Sequence[object]) -> _Culprit:
        """Descend to the innermost part that fails on its own.

        This is for values that fail because of an object that no path leads to, such as a class. At
        each level it is usually the part that was visited last.
        """
        places: dict[int, int] = {}
        for place, part in enumerate(met):
            places.setdefault(id(part), place)
        while True:
            parts = [
                (places[id(part)], step, part)
                for step, part in _parts(found.part)
                if places.get(id(part), -1) > places.get(id(found.part), 0)
            ]
            for _, step, part in sorted(parts, key=lambda known: -known[0]):
                self._check()
                error = self._failure(part)
                if error is not None:
                    found = _Culprit(found.path + _text(step), part, error)
                    break
            else:
                return found

    def _check(self) -> None:
        if now() > self._until:
            raise TimedOut


@functools.cache
def _pickler() -> Any:
    """Return a pickler that records each object that it visits, and writes nothing."""

    class Nowhere:
        def write(self, data: Any) -> int:
            return len(data)

    class Noting(by_value()):  # type: ignore[misc]  # without types
        def __init__(self, until: float, met: list[object] | None) -> None:
            super().__init__(Nowhere(), protocol=5, buffer_callback=lambda _: False)
            self._until = until
            self._met: list[object] = [] if met is None else met

        def persistent_id(self, part: object) -> None:
            # No call before this: where recursion is deep, it would fail for its own reason.
            try:
                if type(part) in ATOMS:
                    return
            except Exception:  # its metaclass has no hash, or its own raises
                pass
            self._met.append(part)  # kept alive, or its id could be reused
            if now() > self._until:
                raise TimedOut
            if len(self._met) > MOST:
                raise _Many

    return Noting


def _path(before: dict[int, tuple[int, Step] | None], key: int) -> str:
    steps = []
    while (found := before[key]) is not None:
        key, step = found
        steps.append(_text(step))
    return "".join(reversed(steps))


def _shortened(path: str) -> str:
    half = PATH_LIMIT // 2
    return path if len(path) <= PATH_LIMIT else f"{path[:half]}…{path[-half:]}"


def _text(step: Step) -> str:
    template, key = step
    try:
        return template.format(key)
    except Exception:  # a `__repr__` may raise anything
        return template.format(type(key))


def _parts(value: Any) -> Iterator[tuple[Step, object]]:
    """Yield the parts of `value` with the code that leads to each."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield ("[{!r:.60}]", key), part
        for key in value:
            yield (".<key>", None), key
    elif isinstance(value, list | tuple | deque):
        for number, part in enumerate(value):
            yield ("[{}]", number), part
    elif isinstance(value, set | frozenset):
        yield from (((".<item>", None), part) for part in value)
    elif isinstance(value, functools.partial):
        yield (".func", None), value.func
        for number, part in enumerate(value.args):
            yield (".args[{}]", number), part
        for key, part in value.keywords.items():
            yield (".keywords[{!r:.60}]", key), part
    elif isinstance(value, MethodType):
        yield (".__self__", None), value.__self__
    elif isinstance(value, FunctionType):
        code = value.__code__
        cells = zip(code.co_freevars, value.__closure__ or (), strict=True)
        used = [(key, cell.cell_contents) for key, cell in cells if cell != CellType()]
        used += [(key, value.__globals__[key]) for key in code.co_names if key in value.__globals__]
        for key, part in used:
            yield (".<{}>", key), part
    elif _holds_objects(value):
        for number, part in enumerate(value.flat):
            yield (".flat[{}]" if value.ndim > 1 else "[{}]", number), part
    yield from _attributes(value)


def _holds_objects(value: object) -> bool:
    """Return whether `value` is a NumPy array of Python objects."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray) and value.dtype.hasobject


def _attributes(value: Any) -> Iterator[tuple[Step, object]]:
    if isinstance(value, FunctionType | MethodType):
        return
    missing = object()
    slots = [key for cls in type(value).__mro__ for key in getattr(cls, "__slots__", ())]
    for key in slots:
        if isinstance(key, str) and (part := getattr(value, key, missing)) is not missing:
            yield (".{}", key), part
    for key, part in getattr(value, "__dict__", {}).items():
        yield (".{}", key), part
