"""What "the same" means: policies, the typed comparison that they share, how a mismatch reads."""

from .outcomes import compare_outcomes
from .policies import Close, Exact, Judge, as_policy, close, compare, exact
from .show import show

__all__ = [
    "Close",
    "Exact",
    "Judge",
    "as_policy",
    "close",
    "compare",
    "compare_outcomes",
    "exact",
    "show",
]
