"""How a value is shown in a message: one bounded line that no `__repr__` can break."""

from __future__ import annotations

import dataclasses
import re
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..machine.deadline import TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LIMIT = 120
DEPTH = 3
_ITEMS = 6
#: Sets up to this size are shown in a fixed order, whatever the hash seed.
_SORTED = 100

#: An address as a default `repr` shows it: `<A object at 0x…>`, `<function f at 0x…>`, `<cell at
#: 0x…: empty>`. Any other hexadecimal number is a value: a checksum, a flag, an offset.
_ADDRESS = re.compile(
    r"( object at |<\w[^<>]{0,200}? at | at (?=0x[0-9a-fA-F]{6,}>))0x[0-9a-fA-F]{6,}"
)
#: A name that `tempfile` has chosen at random, with its usual prefix.
_TEMPORARY = re.compile(r"(?<=[/\\])tmp[a-z0-9_]{8}(?!\w)")
#: A thread as its `repr` shows it; its number is that of the system, and its usual name counts.
_THREAD = re.compile(
    r"(<\w+\()(?:(Thread-)\d+)?([^<>]{0,200}, (?:started|stopped)(?: daemon)? )\d+(?=\)>)"
)
_AT = re.compile(r"(?: object)? at $")
#: Read without the metaclass, which may hide it.
MODULE: Callable[[type], object] = type.__dict__["__module__"].__get__
_QUALNAME: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_LINE_BREAK = re.compile(r"\s*[\r\n]+\s*")


class ShownAsText:
    """An object whose `repr` is its `str`: a policy."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def show(value: object, *, limit: int = _LIMIT) -> str:
    """Return `value` as one line of at most `limit` characters, without memory addresses."""
    return clip(describe(value, DEPTH, limit), limit=limit)


def clip(text: str, *, limit: int = _LIMIT) -> str:
    """Return `text` as one printable line of at most `limit` characters."""
    line = _LINE_BREAK.sub(" ", text[: 4 * limit])
    line = "".join(char if char.isprintable() else escape(char) for char in line)
    return line if len(line) <= limit and len(text) <= 4 * limit else f"{line[: limit - 1]}…"


def escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def mask_addresses(text: str) -> str:
    """Return `text` without memory addresses and random names of files, which no two calls share.

    Both are replaced, by `0x…` and `tmp…`; and so are the numbers of threads, by `…`.
    """
    text = _TEMPORARY.sub("tmp…", _ADDRESS.sub(r"\g<1>0x…", text))
    return _THREAD.sub(
        lambda found: f"{found[1]}{(found[2] and 'Thread-…') or ''}{found[3]}…", text
    )


def name_type(cls: type) -> str:
    """Return the qualified name of `cls`, without the module for a built-in one."""
    module, name = MODULE(cls), _QUALNAME(cls)
    return f"{module}.{name}".removeprefix("builtins.") if isinstance(module, str) else str(name)


def describe(value: Any, depth: int, limit: int) -> str:
    """Return a text for `value` at little cost, whatever `value` is."""
    cls = type(value)
    try:
        describer = _DESCRIBERS.get(cls.__repr__)
        if describer is not None:
            return describer(value, depth, limit)
        if dataclasses.is_dataclass(cls) and getattr(cls, "__dataclass_params__").repr:  # noqa: B009
            names = [field.name for field in dataclasses.fields(cls) if field.repr]
            return _describe_fields(value, names, depth, limit)
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return _describe_fields(value, list(cls._fields), depth, limit)
        numpy = sys.modules.get("numpy")
        masked = sys.modules.get("numpy.ma")
        if masked is not None and (value is masked.masked or isinstance(value, masked.mvoid)):
            return str(value)[: 8 * limit]  # an array whose only item is itself
        if numpy is not None and isinstance(value, numpy.ndarray):
            return _describe_array(value, depth, limit)
        text = repr(value)[: 8 * limit]
        return _ADDRESS.sub(lambda found: _AT.sub("", found[1]), text)
    except (KeyboardInterrupt, TimedOut):
        raise
    except BaseException as error:  # a `__repr__` may exit
        return f"<{name_type(cls)}, its repr raises {name_type(type(error))}>"


def _describe_text(value: Any, _: int, limit: int) -> str:
    return repr(value[: limit + 1])


def _describe_integer(value: int, _: int, limit: int) -> str:
    bits = value.bit_length()
    return f"<int of {bits} bits>" if bits > 8 * limit else int.__repr__(value)


def _describe_dict(value: dict[object, object], depth: int, limit: int) -> str:
    items = (
        f"{describe(key, depth - 1, limit)}: {describe(item, depth - 1, limit)}"
        for key, item in islice(value.items(), _ITEMS)
    )
    return _enclose(value, items, "{", "}", depth)


def _describe_set(value: set[object] | frozenset[object], depth: int, limit: int) -> str:
    items: Iterable[str] = (describe(item, depth - 1, limit) for item in value)
    if len(value) <= _SORTED:
        items = sorted(items) if depth else ()
    if not value:
        return f"{type(value).__qualname__}()"
    return _enclose(value, islice(items, _ITEMS), "{", "}", depth)


def _describe_sequence(opening: str, closing: str) -> Callable[[Any, int, int], str]:
    def describe_items(value: Any, depth: int, limit: int) -> str:
        items = (describe(item, depth - 1, limit) for item in islice(value, _ITEMS))
        if closing == ")" and len(value) == 1:
            return _enclose(value, (f"{item}," for item in items), opening, closing, depth)
        return _enclose(value, items, opening, closing, depth)

    return describe_items


def _enclose(value: Any, items: Iterable[str], opening: str, closing: str, depth: int) -> str:
    """Return up to `_ITEMS` items in brackets, with the name of the class if it is a subclass."""
    if depth <= 0 and len(value):
        inside = "…"
    else:
        inside = ", ".join(items) + (f", … {len(value)} in all" if len(value) > _ITEMS else "")
    text = f"{opening}{inside}{closing}"
    plain = type(value) in (list, tuple, dict, set)
    return text if plain else f"{type(value).__qualname__}({text})"


def _describe_fields(value: object, names: list[str], depth: int, limit: int) -> str:
    if depth <= 0:
        return f"{type(value).__qualname__}(…)"
    items = [
        f"{name}={describe(getattr(value, name), depth - 1, limit)}" for name in names[:_ITEMS]
    ]
    more = [f"… {len(names)} in all"] if len(names) > _ITEMS else []
    return f"{type(value).__qualname__}({', '.join(items + more)})"


def _describe_array(value: Any, depth: int, limit: int) -> str:
    """Return the first elements, shape and dtype, of a numpy.ndarray."""
    shown = 0 if depth <= 0 and value.dtype.hasobject else _ITEMS  # it may contain itself
    first = [value.flat[i] for i in range(min(value.size, shown))]
    is_plain = value.dtype.kind in "biufc" and not hasattr(value, "mask")
    items = [describe(item.item() if is_plain else item, depth - 1, limit) for item in first]
    more = ["…"] if value.size > shown else []
    name = "array" if type(value).__name__ == "ndarray" else type(value).__qualname__
    return f"{name}([{', '.join(items + more)}], shape={value.shape}, dtype={value.dtype})"


#: By the `__repr__` that would run, so that subclasses without their own are bounded as well.
_DESCRIBERS: dict[object, Callable[[Any, int, int], str]] = {
    str.__repr__: _describe_text,
    bytes.__repr__: _describe_text,
    bytearray.__repr__: _describe_text,
    int.__repr__: _describe_integer,
    list.__repr__: _describe_sequence("[", "]"),
    tuple.__repr__: _describe_sequence("(", ")"),
    dict.__repr__: _describe_dict,
    set.__repr__: _describe_set,
    frozenset.__repr__: _describe_set,
}
