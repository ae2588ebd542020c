"""How values of libraries are pickled that would lose a part, or gain one, by themselves."""

from __future__ import annotations

import copyreg
import operator
import sys
from enum import Enum
from typing import Any

#: Modules with classes that are not pickled as they would be by themselves.
_OWN_REDUCERS = frozenset({"numpy.ma", "matplotlib.figure", "unittest.mock"})

#: The types of values by which each copy finds its member.
_FOUND = frozenset({bool, bytes, int, str})


def needs_own_reducers() -> bool:
    """Return whether such a library is loaded."""
    return not _OWN_REDUCERS.isdisjoint(sys.modules)


def own_reducers() -> dict[type, Any]:
    """Return the table for a pickler; a dict, as no other mapping is looked up without a call."""
    return dict(copyreg.dispatch_table) | find_reducers()


def find_reducers() -> dict[type, Any]:
    """Return how values of such classes of the loaded libraries are reduced."""
    reducers: dict[type, Any] = {}
    if (masked := sys.modules.get("numpy.ma")) is not None:
        reducers[masked.MaskedArray] = _reduce_masked
    if (figures := sys.modules.get("matplotlib.figure")) is not None:
        reducers[figures.Figure] = _reduce_figure
    if (mocks := sys.modules.get("unittest.mock")) is not None:
        reducers[mocks._Call] = _reduce_mock_call
    return reducers


def reduce_member(value: Any) -> Any:
    """Reduce a member of an Enum by its name if its value may not find it, None for any other.

    Enums are pickled by value: the copy of a NaN, a `functools.partial`, or of what holds an object
    without `__eq__`, is the value of no member.
    """
    if not isinstance(value, Enum) or type(value.value) in _FOUND or value.value is None:
        return None
    cls: Any = type(value)
    is_as_ever = cls.__reduce_ex__ is Enum.__reduce_ex__
    is_member = is_as_ever and cls.__members__.get(value.name) is value
    return (operator.getitem, (cls, value.name)) if is_member else None


def _reduce_figure(figure: Any) -> Any:
    """Reduce a figure without its place in pyplot, where its copy would be opened, too."""
    maker, args, state, *rest = figure.__reduce_ex__(2)
    return maker, args, {k: v for k, v in state.items() if k != "_restore_to_pylab"}, *rest


def _reduce_masked(array: Any) -> Any:
    """Reduce a masked array with its hard mask, which its own `__reduce__` drops."""
    reduced = array.__reduce__()
    return (*reduced, None, None, _restore_hard_mask) if array.hardmask else reduced


def _restore_hard_mask(array: Any, state: Any) -> None:
    array.__setstate__(state)
    array.harden_mask()


def _reduce_mock_call(call: Any) -> Any:
    """Reduce `mock.call(1)`, which pickle writes, but cannot load: every attribute is a call."""
    return _restore_mock_call, (tuple.__getitem__(call, slice(None)), vars(call))


def _restore_mock_call(parts: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    from unittest.mock import _Call

    call = tuple.__new__(_Call, parts)
    vars(call).update(attributes)
    return call
