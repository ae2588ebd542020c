"""The hidden item that runs a group of cases on its backend, before the first of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from itertools import count

import pytest

from ...backends.protocol import Backend, place_of
from ...machine.limits import Limits
from ...machine.pressure import Pressure
from ...model.outcome import Run
from ...model.output import Filter
from ...model.work import Workload
from ...report.entries import INTERRUPTED, RunFacts
from ...runner import Interrupted, RunRequest, Stop, execute
from ...runner.outcomes import Outcomes
from ...verify.legs import in_parallel, unjudged
from ..cases.groups import Case, ParallelRun
from ..cases.plain import PLAIN
from ..collecting.share import Share
from ..config.registry import backend_named, changes, guard, sendable
from ..sending.asking import Asking
from ..sending.lanes import lanes_of, most_at_once
from ..sending.seeding import reseeded_tasks
from ..sending.tasks import Tasks
from ..sending.wide import Sets, is_current, union_of_wide_names
from ..session.capturing import capture_of, filters_of
from ..session.diagnosing import is_kept, second_look
from ..session.locks import holding
from ..session.other_limits import stop_dump
from ..session.progress import showing
from ..session.rewriting import modules_of, rewritten
from .repeats import copies_of, repeated, senders_of


class Gate(pytest.Function):
    """An item that sets up the wide fixtures of a group of cases and runs them; never reported."""

    cases: Sequence[Case] = ()
    opened_for: Case

    def add_report_section(self, when: str, key: str, content: str) -> None:
        """Add the output of the set-up of wide fixtures to the case that needed them first."""
        if when == "setup":
            self.opened_for.item.add_report_section(when, key, content)

    def release(self) -> None:
        """Let go of the values of wide fixtures, as pytest does at the end of an item.

        The function that it calls refers to it: only the garbage collector would free both.
        """
        self.funcargs.clear()
        self.obj = None

    def give_up(self, error: BaseException) -> None:
        """Record on each case why it was not run; its failure will say so."""
        for case in self.cases:
            case.sent.give_up(error)


class Gates:
    """Opens the gate of a case without a valid outcome; also a plugin, for the gates it makes."""

    def __init__(self, session: pytest.Session, uses: Collection[object]) -> None:
        self._session = session
        self._uses = uses  # keys of cases that run in other configurations too
        self._config = session.config
        self._share = Share(session)
        self._asking = Asking(session.config)
        self._numbers = count()
        self._open: list[ParallelRun] = []
        self._sets = Sets(session.config)
        self._seconds: dict[Hashable, float] = {}  # serial seconds, from an earlier configuration

    def open_for(self, case: Case) -> None:
        """Run the case in parallel unless it was, together with all cases that it can run with."""
        if case.judged.entry is not None or case.sent.trouble or is_current(case):
            return
        # First this one: of thousands that a hook skips, each would ask for all others.
        case.sent.is_withheld = self._asking.is_skipped(case.item)
        if case.sent.is_withheld or not self._share.has(case):
            return
        together = [
            other
            for other in self._sets.around(case)
            if other is case
            or (
                other.judged.entry is None
                and PLAIN not in other.item.stash
                and self._share.has(other)
                and not self._asking.is_skipped(other.item)
            )
        ]
        assert case.item.parent is not None
        filters = filters_of(self._config, [other.item for other in together])
        gate: Gate = Gate.from_parent(
            case.item.parent,
            name=case.item.originalname,
            callobj=lambda: self._send(gate, together, filters),
            callspec=getattr(case.item, "callspec", None),
        )
        gate.cases = together
        gate.opened_for = case
        gate.fixturenames = union_of_wide_names(together)
        gate.own_markers += [m for m in case.item.own_markers if m.name == "filterwarnings"]
        # The next item is the case itself, so that its wide fixtures are not torn down.
        gate.ihook.pytest_runtest_protocol(item=gate, nextitem=case.item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run set-up, call and tear-down of a gate, without reports."""
        if type(item) is not Gate:  # `isinstance` is slow for classes of pytest
            return None
        stop_dump(self._config)  # it would limit all cases together
        hook = item.ihook
        reraise = (KeyboardInterrupt, pytest.exit.Exception)
        setup = pytest.CallInfo.from_call(
            lambda: hook.pytest_runtest_setup(item=item), when="setup", reraise=reraise
        )
        item.opened_for.judged.wide_seconds = setup.duration
        if setup.excinfo is None:
            called = pytest.CallInfo.from_call(
                lambda: hook.pytest_runtest_call(item=item), when="call", reraise=reraise
            )
            if called.excinfo is not None:
                item.give_up(called.excinfo.value)
        pytest.CallInfo.from_call(
            lambda: hook.pytest_runtest_teardown(item=item, nextitem=nextitem),
            when="teardown",
            reraise=reraise,
        )
        item.release()
        return True

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item) -> object:
        """Keep pytest-timeout from limiting the run of all cases; it limits each case."""
        return True if isinstance(item, Gate) or getattr(item, "kind", "") == "stress" else None

    def done_with(self, case: Case) -> None:
        """Free the memory of the case's outcome, and after the last case the files of its run."""
        sent, run, entry = case.sent, case.sent.run, case.judged.entry
        if run is None or not sent.is_waiting:
            return
        if sent.count == 1:
            run.outcomes.free(sent.number)
        else:
            for number in sent.numbers:
                run.outcomes.free(number)
        if self._uses and entry is not None and entry.serial is not None and case.key in self._uses:
            self._seconds[case.key] = entry.serial
        sent.is_waiting = False
        run.waiting -= 1
        if not run.waiting and run in self._open:
            self._open.remove(run)
            case.group.facts[run.facts.run] = run.facts_at_end()
            kept = case.group.kept
            if kept is None:
                run.close()
            else:
                run.outcomes.close()
                kept.runs.append(run)

    def close(self) -> None:
        """Free the outcomes of all runs, at the end of the session."""
        while self._open:
            self._open.pop().close()

    def restore(self) -> None:
        """Record the outcomes of cases that ran but will not be compared any more."""
        for run in self._open:
            for case in run.cases:
                sent, judged = case.sent, case.judged
                if sent.run is run and sent.is_waiting and judged.entry is None:
                    outcome = run.outcomes.without_value(sent.number)
                    judged.entry = unjudged(case.terms(), outcome, why=INTERRUPTED)

    def _send(
        self,
        gate: Gate,
        cases: list[Case],
        filters: tuple[Sequence[tuple[Filter, ...]], Sequence[int]],
    ) -> None:
        group, config = cases[0].group, self._config
        configuration = group.plan.configuration
        wide = {name: gate.funcargs[name] for name in gate.fixturenames}
        tasks = reseeded_tasks(cases, list(map(Tasks(wide, gate).task, cases)))
        senders, chosen = senders_of(cases), filters[1]
        if senders is not cases:
            tasks, chosen = tuple(repeated(cases, tasks)), repeated(cases, chosen)
        backend = backend_named(config, configuration.backend)
        items = {id(case.item.parent): case.item for case in cases}  # to hash nodes is slow
        tests = {item.module.__name__ for item in items.values()}
        modules = modules_of(config, tests)
        request = RunRequest(
            workload=Workload(name=group.id, tasks=tasks),
            configuration=configuration,
            modules=modules,
            rewritten=rewritten(cases[0].item, modules),
            sendable=sendable(config),
            durations=self._durations(senders),
            stop=self._stop(senders),
            guard=guard(config),
            capture=capture_of(config, (filters[0], chosen)),
            keep=group.kept is not None or any(is_kept(case.plan, backend) for case in cases),
            lanes=lanes_of(senders),
            copies=copies_of(cases),
            surroundings=changes(config).surroundings(),
        )
        try:
            with (
                holding(config, {name for case in cases for name in case.plan.exclusive}),
                showing(config, group.id, configuration.id) as progress,
            ):
                run = execute(replace(request, progress=progress), backend)
        except Interrupted as interrupted:
            self._take(interrupted.run, cases, wide, backend)
            raise interrupted.cause from None
        assert isinstance(run.outcomes, Outcomes)
        if group.kept is not None and place_of(backend) == "fork":
            from ..stress.forks import run_early  # most sessions perturb nothing

            run_early(config, group, run)
        # If pytest reaches a case before which the run was stopped, the case is sent again.
        self._take(run, cases, wide, backend, but=run.outcomes.interrupted)

    def _take(
        self,
        run: Run,
        cases: list[Case],
        wide: dict[str, object],
        backend: Backend,
        *,
        but: frozenset[int] = frozenset(),
    ) -> None:
        """Assign the run to each of its cases, except to the numbers in `but`."""
        assert isinstance(run.outcomes, Outcomes)
        worker = getattr(self._config, "workerinput", {}).get("workerid", "main")
        group, senders = cases[0].group, senders_of(cases)
        interrupted = frozenset(senders[number].index for number in but)
        sent = ParallelRun(
            facts=RunFacts.of(
                run,
                f"{worker}-{next(self._numbers)}",
                fixtures=self._sets.names_of(cases[0]),
                lanes=most_at_once(senders),
            ),
            outcomes=run.outcomes,
            cases=cases,
            senders=senders,
            waiting=len(cases) - len(interrupted),
            wide=wide,
            limits=Limits(run.threads),
            side=in_parallel(f"{group.plan.configuration.backend}-{run.granted}"),
            pressure=Pressure.here(),  # at the beginning of the serial run
            look=second_look(self._config, run, backend),
            ends=run.outcomes.first_and_last() if group.verified is not None else frozenset(),
        )
        group.facts[sent.facts.run] = sent.facts
        self._open.append(sent)
        number = 0
        for case in cases:
            if case.index not in interrupted:
                if case.sent.run is not None:  # an earlier one, whose wide values were torn down
                    self.done_with(case)
                first = case.index if case.index == number else number  # one object
                case.sent.put(sent, first, case.plan.repeat)
            number += case.plan.repeat

    def _durations(self, senders: Sequence[Case]) -> Mapping[int, float]:
        """Return the seconds of the tasks whose cases have run in another configuration."""
        known = self._seconds
        if not known:  # most tests have one
            return {}
        return {n: known[case.key] for n, case in enumerate(senders) if case.key in known}

    def _stop(self, senders: Sequence[Case]) -> Stop | None:
        """Return when `-x` or `--maxfail` stop the run, None without these options."""
        most: int = self._config.getoption("maxfail")
        if not most:
            return None
        tolerated = [n for n, case in enumerate(senders) if case.item.get_closest_marker("xfail")]
        left = max(1, most - self._session.testsfailed)
        cases = tuple(case.index for case in senders)
        return Stop(failures=left, tolerated=frozenset(tolerated), cases=cases)
