"""The perturbed runs of cases in forks of pytest's process, before anything changes there."""

from __future__ import annotations

import pytest

from ...machine.clock import now
from ...model.outcome import Run
from ...runner.outcomes import Outcomes
from ...verify.stress.trial import Executed, execute, limit_of
from ..cases.groups import Group
from ..config.registry import backend_named
from ..session.locks import holding
from .asking import asked, failed_row
from .levels import base_of, level
from .timing import end_of


def run_early(config: pytest.Config, group: Group, run: Run) -> None:
    """Run the rows of a group right after its run; they are compared when it is over.

    Nothing is sent to a fork: the cases are in its memory as they are here, and after their serial
    runs they would be others.
    """
    given, kept, outcomes = asked(config), group.kept, run.outcomes
    if given is None or kept is None or not isinstance(outcomes, Outcomes):
        return
    if outcomes.rerun is None:
        return
    backend = backend_named(config, group.plan.configuration.backend)
    tasks = range(len(outcomes))
    names = {name for case in group.cases for name in case.plan.exclusive}
    base = base_of(
        backend,
        group.plan.configuration.backend,
        workers=run.granted,
        cases=len(tasks),
        is_exclusive=bool(names),
    )
    end = end_of(given, run.wall + run.startup)
    found: list[Executed] = []
    with holding(config, names):
        for row in given.rows(level(base, given), failed_row(config, kept.id)):
            if row.backend != base.backend or row.is_fresh:
                why = f"cases of {base.backend} cannot be sent to {row.backend}"
                found.append(Executed(row=row, order=(), why=why))
            elif now() < end:
                found.append(
                    execute(
                        outcomes.rerun,
                        base,
                        row,
                        row.arrange(tasks),
                        limit_of(run.wall),
                        lambda name: backend_named(config, name),
                        is_early=True,
                    )
                )
    kept.early[id(outcomes)] = found
