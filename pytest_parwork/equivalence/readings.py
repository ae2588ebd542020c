"""The parts of a value that decide about its equality, read for its digest."""

from __future__ import annotations

import marshal
import types
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from . import arrays, bits, callables, containers, definitions, objects, scalars, standard
from .pairs import Comparer, Reader, compare_contents, compare_parts, compare_with
from .walk import gather

if TYPE_CHECKING:
    import datetime
    from collections.abc import Collection, Sequence

    import numpy as np

#: The representation of a part: itself if it is plain, its data if that is short, else its digest
#: as the only item of a tuple.
Token: TypeAlias = object

#: The version of `marshal` without references, so that shared objects make no difference.
_FORM = 2


#: Types whose values can be sorted, with equal values in the same place.
TEXT, INTEGERS = frozenset({str}), frozenset({int})


class UndigestibleError(Exception):
    """A value has no digest that all equal values share, or none that can be computed."""


class Parts(NamedTuple):
    """The data that decide about a value: `facts` for marshal, and `values` to be digested.

    `arrange` brings the tokens of the values into the form, or the order, that equal values share.
    """

    facts: object
    values: Sequence[object]
    arrange: Callable[[list[Token]], object] | None = None


Read: TypeAlias = Callable[[Any], Parts]


def find_reading(comparer: Comparer) -> Read | None:
    """Return how the values of `comparer` are read, None if only the comparer can compare them.

    Comparers made from `compare_keys` and similar functions need no entry of their own.
    """
    if not isinstance(comparer, partial):
        return _READINGS.get(comparer)
    if comparer.func is scalars.compare_keys:
        return partial(_read_key, *comparer.args)
    if comparer.func is compare_parts:
        return partial(_read_parts, *comparer.args)
    if comparer.func is compare_contents:
        inner, contents = comparer.args
        read = find_reading(inner)
        return partial(_read_contents, read, contents) if read is not None else None
    if comparer.func is compare_with:
        inner, reader = comparer.args
        read = find_reading(inner)
        return partial(_read_with, read, reader) if read is not None else None
    return None


def dump(data: Any) -> bytes:
    """Serialise plain data such that only equal data give equal bytes."""
    return marshal.dumps(data, _FORM)


def _read_key(key: Callable[[Any], object], value: object) -> Parts:
    return Parts("key", (key(value),))


def _read_parts(read: Reader, value: object) -> Parts:
    parts = read(value)
    names = sorted(parts)
    return Parts(names, [parts[name] for name in names])


def _read_contents(read: Read, contents: Callable[[Any], Any], value: object) -> Parts:
    return read(contents(value))


def _read_with(read: Read, more: Reader, value: object) -> Parts:
    return Parts("with", (read(value), _read_parts(more, value)))


def _read_float(value: float) -> Parts:
    return Parts("float", (float.__float__(value),))


def _read_complex(value: complex) -> Parts:
    return Parts("complex", (value.real, value.imag))


def _read_integer(value: int) -> Parts:
    return Parts("int", (int.__int__(value),))


def read_text(value: str | bytes | bytearray) -> Parts:
    """Read the text itself: a subclass may override how it is converted."""
    return Parts(
        "text", (str.__str__(value) if isinstance(value, str) else bytes(memoryview(value)),)
    )


def _read_time(value: datetime.datetime | datetime.time) -> Parts:
    return Parts("time", scalars.read_time(value))


def _read_sequence(value: Collection[object]) -> Parts:
    return Parts("items", value if type(value) in (list, tuple) else list(value))  # type: ignore[arg-type]


def _read_set(value: Collection[object]) -> Parts:
    return Parts("elements", list(value), _arrange_elements)


def _arrange_elements(tokens: list[Token]) -> object:
    """Sort the elements, so that their order does not depend on their hashes."""
    if TEXT.issuperset(map(type, tokens)) or INTEGERS.issuperset(map(type, tokens)):
        return sorted(tokens)  # type: ignore[type-var]  # as they are of one type
    return sorted(map(dump, tokens))


def _read_mapping(value: Mapping[Any, object]) -> Parts:
    if TEXT.issuperset(map(type, value)) or INTEGERS.issuperset(map(type, value)):
        keys = sorted(value)
        return Parts(keys, [value[key] for key in keys])
    keys = list(value)
    return Parts("pairs", [*keys, *(value[key] for key in keys)], _arrange_pairs)


def _arrange_pairs(tokens: list[Token]) -> object:
    """Sort keys and values by key."""
    half = len(tokens) // 2
    keys = _check_keys(tokens[:half])
    order = sorted(range(half), key=keys.__getitem__)
    return [*(keys[i] for i in order), *(tokens[half + i] for i in order)]


def _read_ordered(value: Mapping[Any, object]) -> Parts:
    keys = list(value)
    return Parts("ordered", [*keys, *(value[key] for key in keys)], _arrange_ordered)


def _arrange_ordered(tokens: list[Token]) -> object:
    _check_keys(tokens[: len(tokens) // 2])
    return tokens


def _check_keys(tokens: list[Token]) -> list[bytes]:
    """Return the keys as bytes; UndigestibleError for two that are equal, such as NaNs.

    How such keys pair with those of another mapping depends on the order of both mappings.
    """
    keys = list(map(dump, tokens))
    if len(set(keys)) < len(keys):
        raise UndigestibleError("two equal keys")
    return keys


def is_known_by_name(value: Any) -> bool:
    """Return whether a class, function or module is imported under its name, or an equal one is."""
    found = definitions.find_namesake(value)
    return found is value or (type(found) is type(value) and bool(gather(value, found, "exact()")))


def read_class(cls: type) -> Parts:
    """Read the contents of a class; whether they count, the digestion of its name decides."""
    return _read_parts(definitions.read_class, cls)


def _read_definition(read: Read, value: Any) -> Parts:
    """Read what is not imported under its name, and only the name of all else."""
    name = value.__name__ if isinstance(value, types.ModuleType) else value.__qualname__
    names = (name, str(value.__module__) if hasattr(value, "__module__") else "")
    return Parts("name", names) if is_known_by_name(value) else Parts("not", (names, read(value)))


def _read_function(value: Any) -> Parts:
    code = callables.read_code(value.__code__)
    return Parts("code", (code, _read_parts(callables.read_load, value)))


def _read_object(value: Any) -> Parts:
    parts = objects.read_reduced(value)
    if objects.NAME in parts:
        module, name = parts["__module__"], str(parts[objects.NAME])
        if callables.find_global(module, name) is not value:
            raise UndigestibleError(f"{name} is not imported under its name")
    return _read_parts(lambda _: parts, value)


def _read_builtin(value: Any) -> Parts:
    return Parts("name", (value.__qualname__, _read_parts(callables.read_owner, value)))


def _read_dtype(value: np.dtype[Any]) -> Parts:
    return Parts(["dtype", bits.describe_dtype(value)], ())


def _read_array(value: np.ndarray[Any, Any]) -> Parts:
    import numpy as np

    array = np.asarray(value)
    facts = [bits.describe_dtype(array.dtype), array.shape]
    if array.dtype.names is not None:
        return Parts(facts, [array[name] for name in array.dtype.names])
    if array.dtype.hasobject:
        return Parts(facts, list(array.flat))
    return Parts([*facts, bits.hash_elements(array)], ())


def _read_numpy_scalar(value: np.generic) -> Parts:
    import numpy as np

    return _read_array(np.asarray(value))


def _read_masked(value: np.ma.MaskedArray[Any, Any]) -> Parts:
    import numpy as np

    facts = [bits.describe_dtype(value.dtype), value.shape]
    if value.dtype.names is not None:
        return Parts(facts, [value[name] for name in value.dtype.names])
    mask, data = np.ma.getmaskarray(value), np.asarray(value.data)
    facts += [bits.hash_elements(mask), bool(value.hardmask)]
    fill = arrays.read_fill_value(value)
    if value.dtype.hasobject:
        pairs = zip(data.flat, mask.flat, strict=True)
        return Parts(facts, [fill, *(None if hidden else item for item, hidden in pairs)])
    return Parts([*facts, bits.hash_elements(data, mask)], (fill,))


#: By comparer, so that a class is read as it is compared; those without an entry are not read.
_READINGS: dict[Comparer, Read] = {
    scalars.compare_floats: _read_float,
    scalars.compare_complex: _read_complex,
    scalars.compare_integers: _read_integer,
    scalars.compare_text: read_text,
    scalars.compare_times: _read_time,
    scalars.compare_uuids: lambda value: Parts("uuid", scalars.read_uuid(value)),
    containers.compare_sequences: _read_sequence,
    containers.compare_sets: _read_set,
    containers.compare_mappings: _read_mapping,
    containers.compare_ordered: _read_ordered,
    callables.compare_functions: partial(_read_definition, _read_function),
    definitions.compare_classes: read_class,
    definitions.compare_modules: partial(
        _read_definition, partial(_read_parts, definitions.read_module)
    ),
    callables.compare_builtins: _read_builtin,
    standard.compare_mapping_items: lambda value: _read_mapping(standard.read_items(value)),
    standard.compare_set_elements: _read_set,
    objects.compare_states: _read_object,
    arrays.compare_dtypes: _read_dtype,
    arrays.compare_arrays: _read_array,
    arrays.compare_scalars: _read_numpy_scalar,
    arrays.compare_masked: _read_masked,
}
