"""What an item `test_x[stress]` perturbs: a group of cases or of variants, or calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...report.stress import Stress
from ..calls.kept import KEPT_CALLS
from ..cases.matrix import FIXTURE, TestKey
from ..collecting.checks import Check, Perturbed
from ..collecting.collection import Collected
from .asking import asked
from .calls import perturb_calls
from .perturbing import perturb
from .variants import perturb_variant


def perturbing(check: Check, collected: Collected) -> Callable[[], Perturbed] | None:
    """Return the function that perturbs the workload of an item, None if none was run."""
    given = asked(check.config)
    if given is None:
        return None
    group = collected.groups.get(check.key)
    if group is not None and group.kept is not None:
        return partial(_of_run, check, partial(perturb, check, group, given))
    varied = collected.varied.groups.get(check.key) if isinstance(check.key, TestKey) else None
    if varied is not None and varied.kept is not None:
        return partial(_of_run, check, partial(perturb_variant, check, varied, given))
    makers = [item for item in check.cases if FIXTURE in getattr(item, "fixturenames", ())]
    calls = [one for item in makers for one in item.stash.get(KEPT_CALLS, [])]
    return partial(perturb_calls, check, calls, given) if makers else None


def _of_run(check: Check, perturb: Callable[[], Stress | str]) -> Perturbed:
    """Return what perturbed runs gave, for the run that the item was informed of."""
    if check.run is None:
        return "no case of the workload was fanned out in this session"
    found = perturb()
    return found if isinstance(found, str) else [(check.run, found)]
