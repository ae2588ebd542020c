"""The functions that create the values in the table."""

from __future__ import annotations

import asyncio
from typing import Any

from .classes import Labelled, Listed, Number, Packed, Tagged


def make_adder(n: object) -> Any:
    return lambda x: (x, n)


def make_default(n: object) -> Any:
    def add(x: object, y: object = n) -> object:
        return (x, y)

    return add


def make_labelled(**attributes: object) -> Labelled:
    point = Labelled(1)
    vars(point).update(attributes)
    return point


def make_listed(items: list[Any], label: str) -> Listed:
    listed = Listed(items)
    listed.label = label
    return listed


def make_packed(items: list[Any], unit: str) -> Packed:
    packed = Packed(items)
    packed.unit = unit
    return packed


def make_number(unit: str) -> Number:
    number = Number(3)
    number.unit = unit
    return number


def make_tagged(items: dict[Any, Any], tag: str) -> Tagged:
    tagged = Tagged(tag)
    tagged.update(items)
    return tagged


def make_generator() -> Any:
    yield 1


async def make_asynchronous() -> Any:
    yield 1


async def make_coroutine() -> None:
    await asyncio.sleep(0)


def note(error: Exception, text: str) -> Exception:
    """Return an exception with a note, as `add_note` of Python 3.11 stores it."""
    vars(error).setdefault("__notes__", []).append(text)
    return error


def cause(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def raised(error: Exception) -> Exception:
    """Return an exception with a traceback."""
    try:
        raise error
    except Exception as caught:
        return caught


def twin(cls: type) -> Any:
    """Return the class that a second import of its module would create."""
    namespace = {key: value for key, value in vars(cls).items() if key not in ("__dict__",)}
    namespace.pop("__weakref__", None)
    return type(cls.__name__, cls.__bases__, namespace)


def hashed(value: Any) -> Any:
    hash(value)
    return value
