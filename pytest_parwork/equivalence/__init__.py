"""What "the same" means: policies, the typed comparison that they share, how a mismatch reads."""

from importlib import import_module
from typing import TYPE_CHECKING

from .gathering import at_step, merge
from .policies import Compare, as_policy, close, compare, exact, reordered_sum, ulp, unordered
from .show import show

__all__ = [
    "Compare",
    "as_policy",
    "at_step",
    "close",
    "compare",
    "compare_late",
    "compare_outcomes",
    "compare_subtests",
    "compare_tear_downs",
    "exact",
    "load_comparers",
    "merge",
    "reordered_sum",
    "show",
    "ulp",
    "unordered",
]

if TYPE_CHECKING:
    from .failures import compare_late, compare_subtests, compare_tear_downs
    from .outcomes import compare_outcomes


def load_comparers() -> None:
    """Load what compares values that have parts, now and not when the first ones are compared.

    A test may have patched by then what imports need, and each worker that is forked later would
    load it again.
    """
    for module in ("digest", "failures", "records"):
        import_module(f".{module}", __name__)


def __getattr__(name: str) -> object:
    """Load what compares whole outcomes when a case has one: collecting tests needs policies."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import failures, outcomes

    return getattr(outcomes if name == "compare_outcomes" else failures, name)
