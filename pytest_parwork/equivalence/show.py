"""How a value reads in a message: one bounded line that no `__repr__` can spoil."""

from __future__ import annotations

import dataclasses
import re
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["ShownAsText", "clip", "mask_addresses", "name_type", "show"]

LIMIT = 120
DEPTH = 3
ITEMS = 6
#: Sets up to this size read in a fixed order, whatever the hash seed.
SORTED = 100

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
LOCATION = re.compile(r" (?:object )?at 0x[0-9a-fA-F]{6,}")
#: Read past a metaclass, which may hide them.
MODULE: Callable[[type], object] = type.__dict__["__module__"].__get__
QUALNAME: Callable[[type], str] = type.__dict__["__qualname__"].__get__
LINE_BREAK = re.compile(r"\s*[\r\n]+\s*")


class ShownAsText:
    """What reads in the `repr` of something else as it does by itself: a policy."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def show(value: object, *, limit: int = LIMIT) -> str:
    """Return `value` as one line of at most `limit` characters, without memory addresses."""
    return clip(describe(value, DEPTH, limit), limit=limit)


def clip(text: str, *, limit: int = LIMIT) -> str:
    """Return `text` as one printable line of at most `limit` characters."""
    line = LINE_BREAK.sub(" ", text[: 4 * limit])
    line = "".join(char if char.isprintable() else escape(char) for char in line)
    return line if len(line) <= limit and len(text) <= 4 * limit else f"{line[: limit - 1]}…"


def escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def mask_addresses(text: str) -> str:
    """Return `text` with memory addresses replaced by `0x…`: they differ in every process."""
    return ADDRESS.sub("0x…", text)


def name_type(cls: type) -> str:
    """Return the qualified name of `cls`, that of a built-in without its module."""
    module, name = MODULE(cls), QUALNAME(cls)
    return f"{module}.{name}".removeprefix("builtins.") if isinstance(module, str) else str(name)


def describe(value: Any, depth: int, limit: int) -> str:
    """Return a text for `value` that costs little, whatever `value` is."""
    cls = type(value)
    try:
        describer = DESCRIBERS.get(cls.__repr__)
        if describer is not None:
            return describer(value, depth, limit)
        if dataclasses.is_dataclass(cls) and getattr(cls, "__dataclass_params__").repr:  # noqa: B009
            names = [field.name for field in dataclasses.fields(cls) if field.repr]
            return describe_fields(value, names, depth, limit)
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return describe_fields(value, list(cls._fields), depth, limit)
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.ndarray):
            return describe_array(value, depth, limit)
        text = repr(value)[: 8 * limit]
        return mask_addresses(LOCATION.sub("", text))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a `__repr__` may exit
        return f"<{name_type(cls)}, its repr raises {name_type(type(error))}>"


def describe_text(value: Any, _: int, limit: int) -> str:
    return repr(value[: limit + 1])


def describe_integer(value: int, _: int, limit: int) -> str:
    bits = value.bit_length()
    return f"<int of {bits} bits>" if bits > 8 * limit else int.__repr__(value)


def describe_dict(value: dict[object, object], depth: int, limit: int) -> str:
    items = (
        f"{describe(key, depth - 1, limit)}: {describe(item, depth - 1, limit)}"
        for key, item in islice(value.items(), ITEMS)
    )
    return enclose(value, items, "{", "}", depth)


def describe_set(value: set[object] | frozenset[object], depth: int, limit: int) -> str:
    items: Iterable[str] = (describe(item, depth - 1, limit) for item in value)
    if len(value) <= SORTED:
        items = sorted(items) if depth else ()
    if not value:
        return f"{type(value).__qualname__}()"
    return enclose(value, islice(items, ITEMS), "{", "}", depth)


def describe_sequence(opening: str, closing: str) -> Callable[[Any, int, int], str]:
    def describe_items(value: Any, depth: int, limit: int) -> str:
        items = (describe(item, depth - 1, limit) for item in islice(value, ITEMS))
        if closing == ")" and len(value) == 1:
            return enclose(value, (f"{item}," for item in items), opening, closing, depth)
        return enclose(value, items, opening, closing, depth)

    return describe_items


def enclose(value: Any, items: Iterable[str], opening: str, closing: str, depth: int) -> str:
    """Return up to `ITEMS` items in brackets, with the class's name if it is not a plain one."""
    if depth <= 0 and len(value):
        inside = "…"
    else:
        inside = ", ".join(items) + (f", … {len(value)} in all" if len(value) > ITEMS else "")
    text = f"{opening}{inside}{closing}"
    plain = type(value) in (list, tuple, dict, set)
    return text if plain else f"{type(value).__qualname__}({text})"


def describe_fields(value: object, names: list[str], depth: int, limit: int) -> str:
    if depth <= 0:
        return f"{type(value).__qualname__}(…)"
    items = [f"{name}={describe(getattr(value, name), depth - 1, limit)}" for name in names[:ITEMS]]
    more = [f"… {len(names)} in all"] if len(names) > ITEMS else []
    return f"{type(value).__qualname__}({', '.join(items + more)})"


def describe_array(value: Any, depth: int, limit: int) -> str:
    """Return the first elements, shape and dtype, of a numpy.ndarray."""
    shown = 0 if depth <= 0 and value.dtype.hasobject else ITEMS  # which may hold itself
    first = [value.flat[i] for i in range(min(value.size, shown))]
    items = [
        describe(item.item() if value.dtype.kind in "biufc" else item, depth - 1, limit)
        for item in first
    ]
    more = ["…"] if value.size > shown else []
    name = "array" if type(value).__name__ == "ndarray" else type(value).__qualname__
    return f"{name}([{', '.join(items + more)}], shape={value.shape}, dtype={value.dtype})"


#: By the `__repr__` that would run, so that a subclass without its own is bounded too.
DESCRIBERS: dict[object, Callable[[Any, int, int], str]] = {
    str.__repr__: describe_text,
    bytes.__repr__: describe_text,
    bytearray.__repr__: describe_text,
    int.__repr__: describe_integer,
    list.__repr__: describe_sequence("[", "]"),
    tuple.__repr__: describe_sequence("(", ")"),
    dict.__repr__: describe_dict,
    set.__repr__: describe_set,
    frozenset.__repr__: describe_set,
}
