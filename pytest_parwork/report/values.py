"""Small values of results as plain JSON, for comparisons within a tolerance in another session.

A digest says whether two values are the same, but not how far apart they are. So a report carries
small values whole, and of a larger array of numbers a summary. The form is data alone: reading it
runs no code of anybody. None, booleans, integers, finite floats, texts and lists are themselves;
anything else is an object with one key, which names its kind::

    {"float": "nan"}   {"complex": [re, im]}   {"tuple": [...]}   {"dict": [[key, value], ...]}
    {"array": {"dtype": "<f8", "shape": [2], "values": [...]}}        up to 64 elements
    {"array": {"dtype": "<f8", "shape": [9000], "summary": {...}}}    larger ones
    {"scalar": {"dtype": "<f8", "value": 0.1}}                        NumPy's
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Any

#: A value is carried if it has at most so many parts, each text so many characters, and each
#: integer so many bits.
PARTS, TEXT, BITS = 256, 200, 256
#: Arrays with more elements are summarised.
ELEMENTS = 64
#: Containers inside one another, when a value is written and when it is read.
DEPTH = 16
#: NumPy's types whose elements JSON can hold: booleans, integers, floats, complex numbers. A long
#: double does not fit into a float.
_DTYPE = re.compile(r"[<>|](b1|[iu][1248]|f[248]|c8|c16)")


class _NotCarriedError(Exception):
    """A value that is too large for a report, or is no plain data."""


def carry(value: object) -> Json:
    """Return a value as JSON, None for one that is not small plain data."""
    try:
        return _Writer().write(value, 0)
    except _NotCarriedError:
        return None


class _Writer:
    """Writes one value, whose parts are counted."""

    def __init__(self) -> None:
        self._left = PARTS

    def write(self, value: Any, depth: int) -> Json:
        self._left -= 1
        if self._left < 0 or depth > DEPTH:
            raise _NotCarriedError
        cls = type(value)
        if value is None or cls is bool:
            return value
        if cls is str and len(value) <= TEXT:
            return value
        if cls is int and value.bit_length() <= BITS:
            return value
        if cls is float:
            return _float(value)
        if cls is complex:
            return {"complex": [_float(value.real), _float(value.imag)]}
        if cls is list or cls is tuple:
            items = [self.write(item, depth + 1) for item in value]
            return items if cls is list else {"tuple": items}
        if cls is dict:
            return {
                "dict": [[self.write(part, depth + 1) for part in pair] for pair in value.items()]
            }
        numpy = sys.modules.get("numpy")
        if numpy is not None and cls is numpy.ndarray:
            return self._array(value)
        if numpy is not None and isinstance(value, numpy.number | numpy.bool_):
            form = _dtype(value)
            return {"scalar": {"dtype": form, "value": self.write(value.item(), depth + 1)}}
        raise _NotCarriedError

    def _array(self, array: Any) -> Json:
        described: dict[str, Json] = {"dtype": _dtype(array), "shape": list(array.shape)}
        if array.size > ELEMENTS:
            return {"array": {**described, "summary": _summary(array)}}
        self._left -= array.size
        values = [self.write(item, DEPTH) for item in array.ravel().tolist()]
        return {"array": {**described, "values": values}}


def _dtype(value: Any) -> str:
    """Return the name of the type of the elements, if JSON can hold these."""
    name = str(value.dtype.str)
    if not _DTYPE.fullmatch(name):
        raise _NotCarriedError
    return name


def _float(value: float) -> Json:
    return value if math.isfinite(value) else {"float": repr(value)}


def _summary(array: Any) -> Json:
    """Return the least and greatest element, the mean, and how many are not numbers."""
    numpy = sys.modules["numpy"]
    if array.dtype.kind in "bc":
        return {"nonzero": int(numpy.count_nonzero(array))}
    is_number = numpy.isfinite(array)
    finite = array if is_number.all() else array[is_number]
    found: dict[str, Json] = {"finite": int(finite.size)}
    if finite.size:
        with numpy.errstate(all="ignore"):
            mean = float(finite.mean(dtype="float64"))
        low, high = finite.min().item(), finite.max().item()
        found |= {"min": low, "max": high, "mean": _float(mean)}
    return found


def is_whole(data: Json) -> bool:
    """Return whether a carried value holds all its elements, no summary."""
    if isinstance(data, list):
        return all(map(is_whole, data))
    if not isinstance(data, dict):
        return True
    return all(
        "summary" not in inner if kind == "array" else is_whole(inner)
        for kind, inner in data.items()
    )


def restore(data: Json) -> object:
    """Return the value from its JSON form; `ValueError` for anything else.

    Arrays become those of NumPy where that is installed, else nested tuples of dtype, shape and
    elements. A summary becomes a dict of its figures.
    """
    return _restore(data, 0)


def _restore(data: Json, depth: int) -> object:
    if depth > 3 * DEPTH:
        raise ValueError("a value is nested too deep")
    if data is None or isinstance(data, bool | int | float | str):
        return data
    if isinstance(data, list):
        return [_restore(item, depth + 1) for item in data]
    if not isinstance(data, dict) or len(data) != 1:
        raise ValueError("a value has no known form")
    ((kind, inner),) = data.items()
    if kind == "float" and inner in ("nan", "inf", "-inf"):
        return float(inner)
    if kind == "complex" and isinstance(inner, list) and len(inner) == 2:
        real, imag = (_restore(part, depth + 1) for part in inner)
        if isinstance(real, int | float) and isinstance(imag, int | float):
            return complex(real, imag)
    if kind == "tuple" and isinstance(inner, list):
        return tuple(_restore(item, depth + 1) for item in inner)
    if kind == "dict" and isinstance(inner, list):
        return _restore_dict(inner, depth + 1)
    if kind == "array" and isinstance(inner, dict):
        return _restore_array(inner, depth + 1)
    if kind == "scalar" and isinstance(inner, dict):
        scalar = [_restore(inner.get("value"), depth + 1)]
        return _numbers(inner.get("dtype"), scalar, None)
    raise ValueError("a value has no known form")


def _restore_dict(pairs: list[Json], depth: int) -> object:
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise ValueError("a value has no known form")
    try:
        return {_restore(key, depth): _restore(value, depth) for key, value in pairs}
    except TypeError:
        raise ValueError("a key of a value is not hashable") from None


def _restore_array(data: Mapping[str, Json], depth: int) -> object:
    dtype, shape = data.get("dtype"), data.get("shape")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("an array has no shape")
    if isinstance(summary := data.get("summary"), dict):
        figures = {name: _restore(value, depth) for name, value in summary.items()}
        return {"dtype": dtype, "shape": tuple(shape), **figures}
    values = data.get("values")
    if not isinstance(values, list) or len(values) != math.prod(shape) or len(values) > ELEMENTS:
        raise ValueError("an array has not as many values as its shape")
    return _numbers(dtype, [_restore(value, depth) for value in values], tuple(shape))


def _numbers(dtype: Json, elements: list[object], shape: tuple[int, ...] | None) -> object:
    """Return an array, or a scalar if there is no shape."""
    if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype):
        raise ValueError("an array has no dtype of numbers")
    if not all(isinstance(element, bool | int | float | complex) for element in elements):
        raise ValueError("an array has elements that are no numbers")
    try:
        import numpy as np
    except ImportError:
        return dtype, shape, elements
    try:
        array = np.array(elements, dtype=np.dtype(dtype))
        return array[0] if shape is None else array.reshape(shape)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"an array cannot have the dtype {dtype!r:.40}") from None
