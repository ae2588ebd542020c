"""The reruns that verify doubtful serial runs and diagnose differences, the negative control.

Their modules are imported where they are used, because most sessions use neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pytest

from ...backends.protocol import Backend, is_threaded
from ...machine.clock import now
from ...model.causes import Cause
from ...model.outcome import Run
from ...model.work import Plan
from ...runner import Rerun
from ...runner.outcomes import Outcomes
from ..config.options import is_selftest
from ..config.registry import backend_named
from .other_limits import pausing

if TYPE_CHECKING:
    from ...verify.diagnosis.difference import Difference
    from ...verify.second_look import SecondLook
    from ...verify.selftest import Controls

#: Tasks by number, in the order in which they ran.
Tasks: TypeAlias = tuple[int, ...]

#: Most earlier cases that are run again before one that differs, the latest ones.
MOST_CASES = 100


def is_kept(plan: Plan, backend: Backend) -> bool:
    """Return whether the tasks of a run are kept, so that some can be run again."""
    return plan.verify > 0 and (plan.diagnose or is_threaded(backend))


def second_look(config: pytest.Config, run: Run, backend: Backend) -> SecondLook | None:
    """Return the second look at the serial run if its tasks ran in threads and were kept."""
    outcomes = run.outcomes
    if not isinstance(outcomes, Outcomes) or outcomes.rerun is None or not is_threaded(backend):
        return None
    from ...verify.second_look import SecondLook

    return SecondLook(
        rerun=outcomes.rerun,
        briefs=outcomes.briefs(),
        find=lambda name: backend_named(config, name),
        workers=run.granted,
        pausing=lambda: pausing(config),
    )


class RanBefore(NamedTuple):
    """The tasks that started before one: in its worker, and in its thread if that is a thread.

    Threads are one worker in this: what they leave is in the process, and is there for the serial
    run as well. `in_threads` are all that ran in threads.
    """

    in_worker: Tasks
    in_thread: Tasks = ()
    in_threads: Tasks = ()


def ran_before(outcomes: Outcomes, number: int, *, is_threaded: bool) -> RanBefore:
    """Return the tasks that ran before one."""
    in_worker = outcomes.earlier_in_worker(number)
    if not is_threaded:
        return RanBefore(in_worker)
    started = outcomes.started()
    at = started.index(number) if number in started else 0
    return RanBefore(started[:at], in_worker, started)


def controls_of(config: pytest.Config) -> Controls | None:
    """Return negative controls, if faults are to be planted in results."""
    if not is_selftest(config):
        return None
    from ...verify.selftest import Controls

    return Controls()


def causes_of(
    config: pytest.Config,
    rerun: Rerun,
    difference: Difference,
    *,
    names: Sequence[str],
    function: Callable[..., object] | None,
    workers: int,
) -> tuple[Cause, ...]:
    """Diagnose a difference between both runs; `names` are those of the tasks, in order."""
    from ...verify.diagnosis.diagnosis import budget, diagnose
    from ...verify.diagnosis.laboratory import Laboratory

    laboratory = Laboratory(
        difference=difference,
        rerun=rerun,
        names=names,
        function=function,
        workers=workers,
        find=lambda name: backend_named(config, name),
        deadline=now() + budget(difference.seconds),
    )
    with pausing(config):
        return diagnose(laboratory)
