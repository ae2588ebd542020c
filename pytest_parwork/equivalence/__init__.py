"""What "the same" means: policies, the typed comparison that they share, how a mismatch reads."""

from .failures import compare_late, compare_subtests, compare_tear_downs
from .gathering import at_step, merge
from .outcomes import compare_outcomes
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
    "merge",
    "reordered_sum",
    "show",
    "ulp",
    "unordered",
]
