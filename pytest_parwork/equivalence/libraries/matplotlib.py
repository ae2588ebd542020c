"""The comparer of matplotlib's figures, which are equal if they draw the same pixels."""

from __future__ import annotations

import io
import pickle
from functools import partial
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..pairs import Comparer, compare_parts


def find(cls: type) -> Comparer | None:
    """Return the comparer of figures, None for other classes."""
    return partial(compare_parts, _draw) if issubclass(cls, Figure) else None


def _draw(figure: Any) -> dict[str, Any]:
    """Draw a copy on a canvas of its own: drawing changes a figure, which a plugin may still use.

    A figure that cannot be copied is drawn itself, and gets its canvas back.
    """
    canvas = figure.canvas
    try:
        drawn = _copied(figure)
    except Exception:
        drawn = figure
    try:
        own: Any = FigureCanvasAgg(drawn)
        own.draw()
        return {"pixels": np.array(own.buffer_rgba())}
    finally:
        if drawn is figure:
            figure.set_canvas(canvas)


def _copied(figure: Any) -> Any:
    file = io.BytesIO()
    _Pickler(file, protocol=5).dump(figure)
    file.seek(0)
    return pickle.load(file)


class _Pickler(pickle.Pickler):
    """Copies figures without opening the copies in pyplot."""

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, Figure):
            return NotImplemented
        reduced: Any = value.__reduce_ex__(2)
        maker, args, state = reduced[:3]
        return maker, args, {k: v for k, v in state.items() if k != "_restore_to_pylab"}
