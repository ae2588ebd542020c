"""Dataclasses as plain JSON values, and back.

This is the only serialisation of a report: pytest-xdist sends what `serialise` returns, the file
formats arrange it, and `deserialise` restores it, also from JSON. A library (msgspec, cattrs) would
save forty lines and cost a dependency, a compiled one for msgspec; serialising a case takes a few
microseconds as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, partial
from operator import attrgetter
from types import UnionType
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

_Made = TypeVar("_Made")
_Convert: TypeAlias = Callable[[Any], Any]

#: By exact type: xdist cannot send subclasses of them.
_ATOMS = frozenset({str, int, float, bool, type(None)})


def serialise(value: Any) -> Any:
    """Return a dataclass, or a value of one of its fields, as JSON values of builtin types.

    Sequences are tuples: the garbage collector visits lists again and again, but tuples of texts
    and numbers only once, which saves a tenth of the time with thousands of cases.
    """
    cls: Any = type(value)
    encode = _encoder(cls)
    return value if encode is None else encode(value)


def deserialise(cls: type[_Made], data: Mapping[str, Any]) -> _Made:
    """Restore a dataclass from the result of `serialise`."""
    make: Any = cls
    decoded = {name: decode(data[name]) for name, decode in _decoders(make) if name in data}
    made: _Made = make(**{**data, **decoded})
    return made


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


@cache
def _encoder(cls: type) -> _Convert | None:
    """Return how values of a type are encoded, None if they are JSON values already."""
    if cls in _ATOMS:
        return None
    if cls is tuple or cls is list:
        return _encode_items
    if is_dataclass(cls):
        return partial(_encode_fields, _names(cls))
    if issubclass(cls, Mapping):
        return _encode_mapping
    if issubclass(cls, Enum):
        return attrgetter("value")
    return _reject


# Atoms are looked up here and not in `_encoder`: a call for each would double the time.


def _encode_items(values: Iterable[Any]) -> Any:
    return tuple([one if type(one) in _ATOMS else serialise(one) for one in values])


def _encode_mapping(values: Mapping[str, Any]) -> Any:
    return {name: one if type(one) in _ATOMS else serialise(one) for name, one in values.items()}


def _encode_fields(names: Sequence[str], entry: object) -> Any:
    return {
        name: one if type(one := getattr(entry, name)) in _ATOMS else serialise(one)
        for name in names
    }


def _reject(value: object) -> Any:
    raise TypeError(f"a report cannot hold {value!r:.80} of type {type(value).__qualname__}")


@cache
def _decoders(cls: type) -> tuple[tuple[str, _Convert], ...]:
    """Return how the fields are decoded that are not the same in both forms."""
    hints = get_type_hints(cls)
    found = ((name, _decoder(hints[name])) for name in _names(cls))
    return tuple((name, decode) for name, decode in found if decode is not None)


def _decoder(hint: Any) -> _Convert | None:
    """Return how values of a type are decoded, None if they are the same in both forms."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        inner = next(filter(None, map(_decoder, arguments)), None)
        return partial(_unless_none, inner) if inner is not None else None
    if origin is tuple:
        inner = _decoder(arguments[0])
        return partial(_each, inner) if inner is not None else tuple
    if origin is not None or not isinstance(hint, type):
        return None
    if is_dataclass(hint):
        return partial(deserialise, hint)
    return hint if issubclass(hint, Enum) else None


def _unless_none(decode: _Convert, value: Any) -> Any:
    return None if value is None else decode(value)


def _each(decode: _Convert, values: Any) -> Any:
    return tuple(map(decode, values))
