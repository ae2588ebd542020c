"""How values of libraries are pickled that would lose a part, or gain one, by themselves."""

from __future__ import annotations

import copyreg
import sys
from typing import Any

#: Modules with classes that are not pickled as they would be by themselves.
_OWN_REDUCERS = frozenset({"numpy.ma", "matplotlib.figure"})


def needs_own_reducers() -> bool:
    """Return whether such a library is loaded."""
    return not _OWN_REDUCERS.isdisjoint(sys.modules)


def own_reducers() -> dict[type, Any]:
    """Return the table for a pickler; a dict, as no other mapping is looked up without a call."""
    reducers: dict[type, Any] = dict(copyreg.dispatch_table)
    if (masked := sys.modules.get("numpy.ma")) is not None:
        reducers[masked.MaskedArray] = reduce_masked
    if (figures := sys.modules.get("matplotlib.figure")) is not None:
        reducers[figures.Figure] = _reduce_figure
    return reducers


def _reduce_figure(figure: Any) -> Any:
    """Reduce a figure without its place in pyplot, where its copy would be opened, too."""
    maker, args, state, *rest = figure.__reduce_ex__(2)
    return maker, args, {k: v for k, v in state.items() if k != "_restore_to_pylab"}, *rest


def reduce_masked(array: Any) -> Any:
    """Reduce a masked array with its hard mask, which its own `__reduce__` drops."""
    reduced = array.__reduce__()
    return (*reduced, None, None, _restore_hard_mask) if array.hardmask else reduced


def _restore_hard_mask(array: Any, state: Any) -> None:
    array.__setstate__(state)
    array.harden_mask()
