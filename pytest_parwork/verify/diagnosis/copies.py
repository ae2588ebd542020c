"""Copies of arguments from a pickle, in which one part can be the original one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from ...equivalence import show
from ...model.dataclass import dataclass
from ...transport.held import MadeOnce, load_sent
from ...transport.identity import Identities
from ...transport.pickling import ATOM_IDS, dumps
from .treatments import Function

#: A step to a part of a value: the name of an argument, an item, an attribute.
Step: TypeAlias = tuple[Literal["argument", "item", "attribute"], Any]
Path: TypeAlias = tuple[Step, ...]

#: Stands for a part that a copy does not have.
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Copied:
    """Call with copies of the arguments from a pickle, in which one part is the original one."""

    kept: Path

    def __call__(self, function: Function) -> Function:
        """Return the function that copies its arguments."""

        def call(*args: object, **kwargs: object) -> object:
            originals = _named(args, kwargs)
            copies = _copy(originals)
            if self.kept:
                copies = _put(copies, originals, self.kept)
            given = [copies.pop(number) for number in range(len(args))]
            return function(*given, **copies)

        return call


@dataclass(frozen=True, slots=True)
class Parts:
    """Return the steps from a part of the arguments to those of its parts that a copy changes."""

    path: Path

    def __call__(self, function: Function) -> Function:  # noqa: ARG002, it is not called
        """Return the listing."""

        def call(*args: object, **kwargs: object) -> object:
            originals: Any = _named(args, kwargs)
            copies: Any = _copy(originals)
            for step in self.path:
                originals, copies = _get(originals, step), _get(copies, step)
            return [
                step
                for step in (_steps(originals) if self.path else _arguments(originals))
                if not _is_kept(_get(originals, step), _get(copies, step))
            ]

        return call


@dataclass(frozen=True, slots=True)
class Described:
    """Return the texts of a part of the arguments, and of the same part of their copies."""

    path: Path

    def __call__(self, function: Function) -> Function:  # noqa: ARG002, it is not called
        """Return the description."""

        def call(*args: object, **kwargs: object) -> object:
            original: Any = _named(args, kwargs)
            copy: Any = _copy(original)
            for step in self.path:
                original, copy = _get(original, step), _get(copy, step)
            texts = show(original), "absent" if copy is _ABSENT else show(copy)
            is_alike = texts[0] == texts[1] or " at 0x" in texts[0]
            return [texts[0], "another object" if is_alike and copy is not _ABSENT else texts[1]]

        return call


def described(path: Path) -> str:
    """Return a path as it is written in Python: `model.cache['scale']`."""
    text = ""
    for kind, name in path:
        if kind == "argument":
            text = name if isinstance(name, str) else f"argument {name + 1}"
        else:
            text += f".{name}" if kind == "attribute" else f"[{show(name)}]"
    return text or "the arguments"


def _named(args: Sequence[object], kwargs: Mapping[str, object]) -> dict[Any, object]:
    """Return arguments by number or name."""
    return {**dict(enumerate(args)), **kwargs}


def _copy(arguments: Mapping[Any, object]) -> dict[Any, object]:
    """Return copies of arguments as a worker loads them: each of its own, one object once."""
    themselves = Identities()
    seen: dict[int, object] = {}
    with MadeOnce():
        for value in arguments.values():
            if id(value) not in seen:
                seen[id(value)] = load_sent(dumps(value, themselves=themselves))
    return {name: seen[id(value)] for name, value in arguments.items()}


def _arguments(arguments: Mapping[Any, object]) -> list[Step]:
    return [("argument", name) for name in arguments]


def _steps(value: object) -> list[Step]:
    """Return the steps to the parts of a value that can be replaced one by one."""
    if type(value) in (list, tuple):
        assert isinstance(value, list | tuple)
        return [("item", at) for at in range(len(value))]
    if isinstance(value, dict):
        return [("item", key) for key in value if id(type(key)) in ATOM_IDS]
    return [("attribute", name) for name in getattr(value, "__dict__", {})]


def _is_kept(original: object, copy: object) -> bool:
    """Return whether a copy is as good as the original: the object itself, or an equal atom."""
    if original is copy:
        return True
    return id(type(original)) in ATOM_IDS and type(copy) is type(original) and original == copy


def _get(value: Any, step: Step) -> Any:
    kind, name = step
    if value is _ABSENT:
        return _ABSENT
    if kind == "attribute":
        return getattr(value, "__dict__", {}).get(name, _ABSENT)
    try:
        return value[name]
    except (LookupError, TypeError):
        return _ABSENT


def _put(copy: Any, original: Any, path: Path) -> Any:
    """Return a copy in which a part is the original one; it is changed where that is possible."""
    if not path or copy is _ABSENT:
        return original
    step, *rest = path
    part = _put(_get(copy, step), _get(original, step), tuple(rest))
    if step[0] == "attribute":
        vars(copy)[step[1]] = part
    elif type(copy) is tuple:
        copy = (*copy[: step[1]], part, *copy[step[1] + 1 :])
    else:
        copy[step[1]] = part
    return copy
