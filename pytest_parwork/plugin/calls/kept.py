"""The calls of a test, kept until they are run again in perturbed configurations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pytest

from ...model.dataclass import dataclass
from ...model.outcome import Run
from ...model.work import Plan
from ...report.data import RunEntry
from ...runner import Rerun
from ...runner.outcomes import Outcomes
from ...verify.legs import Judged, Terms
from ..cases.kept import Kept
from ..config.options import stress
from ..session.diagnosing import controls_of
from .verified import Verified

#: The serial results of calls; their runs are kept otherwise.
Serial: TypeAlias = Kept[Rerun]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptCalls:
    """One run of calls that is over: its tasks, the serial results of those that were equal.

    `terms` are those of a call, by its number.
    """

    run: Run
    plan: Plan
    rerun: Rerun
    entry: RunEntry
    terms: Callable[[int], Terms]
    serial: Serial

    def close(self) -> None:
        """Free the arguments and the results."""
        self.serial.close()
        self.rerun.close()


#: The calls of a test that are to be perturbed, in order.
KEPT_CALLS = pytest.StashKey[list[KeptCalls]]()


def keep(item: pytest.Item, run: Run, plan: Plan, verified: Verified, serial: Serial) -> None:
    """Keep a run of calls for the perturbed runs of its test."""
    assert isinstance(run.outcomes, Outcomes)
    assert run.outcomes.rerun is not None
    kept = KeptCalls(
        run=run,
        plan=plan,
        rerun=run.outcomes.rerun,
        entry=verified.entry(xdist=hasattr(item.config, "workerinput")),
        terms=verified.terms,
        serial=serial,
    )
    item.stash.setdefault(KEPT_CALLS, []).append(kept)


def watchers(
    config: pytest.Config, name: str, serial: Serial
) -> Sequence[Callable[[Terms, Judged], None]]:
    """Return what sees each call when it was judged: negative controls, and what keeps results."""
    controls = controls_of(config)
    found = [controls.of(name).try_on] if controls is not None else []
    return (
        [*found, lambda terms, judged: serial.keep(terms.id, judged)] if stress(config) else found
    )
