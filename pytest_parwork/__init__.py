"""`@parwork` makes a pytest test a gate: the same calls serially and in parallel, same results."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; `typing` takes as long to import as Python itself

if TYPE_CHECKING:
    from .equivalence import close, compare, exact, reordered_sum, ulp, unordered
    from .model.comparison import Comparison, Mismatch, Note, Policy
    from .model.errors import (
        BackendError,
        FixtureError,
        LostError,
        MismatchError,
        ParworkError,
        ParworkWarning,
        PayloadError,
        UsageError,
    )
    from .model.outcome import Run
    from .model.version import __version__ as __version__
    from .plugin.calls.fixture import Parwork
    from .plugin.config.marker import parwork
    from .report.data import Report

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
    "Policy",
    "Report",
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
    "model.errors": (
        "BackendError",
        "FixtureError",
        "LostError",
        "MismatchError",
        "ParworkError",
        "ParworkWarning",
        "PayloadError",
        "UsageError",
    ),
    "plugin.calls.fixture": ("Parwork",),
    "plugin.config.marker": ("parwork",),
    "model.comparison": ("Comparison", "Mismatch", "Note", "Policy"),
    "model.outcome": ("Run",),
    "model.version": ("__version__",),
    "report.data": ("Report",),
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
