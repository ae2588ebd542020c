"""`@parwork` makes a pytest test a gate: the same calls serially and in parallel, same results."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .comparison import Comparison, Mismatch, Note
    from .equivalence import close, compare, exact, reordered_sum, ulp, unordered
    from .errors import (
        BackendError,
        FixtureError,
        LostError,
        MismatchError,
        ParworkError,
        ParworkWarning,
        PayloadError,
        UsageError,
    )
    from .fixture import Parwork
    from .marker import parwork
    from .model import Run
    from .version import __version__ as __version__

__all__ = [
    "BackendError",
    "Comparison",
    "FixtureError",
    "LostError",
    "Mismatch",
    "MismatchError",
    "Note",
    "Parwork",
    "ParworkError",
    "ParworkWarning",
    "PayloadError",
    "Run",
    "UsageError",
    "close",
    "compare",
    "exact",
    "parwork",
    "reordered_sum",
    "ulp",
    "unordered",
]

_HOMES = {
    "errors": (
        "BackendError",
        "FixtureError",
        "LostError",
        "MismatchError",
        "ParworkError",
        "ParworkWarning",
        "PayloadError",
        "UsageError",
    ),
    "fixture": ("Parwork",),
    "marker": ("parwork",),
    "comparison": ("Comparison", "Mismatch", "Note"),
    "model": ("Run",),
    "version": ("__version__",),
    "equivalence": ("close", "compare", "exact", "reordered_sum", "ulp", "unordered"),
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for: a test run without parwork pays nothing."""
    for home, names in _HOMES.items():
        if name in names:
            value: object = getattr(import_module(f".{home}", __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
