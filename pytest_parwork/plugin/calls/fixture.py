"""The `parwork` fixture: calls fanned out inside a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from ...backends.protocol import is_threaded
from ...equivalence import load_comparers, show
from ...model.causes import Cause
from ...model.errors import BackendError, UsageError
from ...model.outcome import NotSent, Run
from ...model.public import public
from ...model.work import Plan, Task, Workload
from ...report.data import RunEntry
from ...report.message import Scene
from ...report.serialising import serialise
from ...runner import Interrupted, RunRequest, execute
from ...verify.diagnosis.difference import Difference
from ...verify.legs import SERIAL
from ...verify.reference import call
from ..cases.kept import Kept
from ..cases.matrix import column_of
from ..config.commands import command
from ..config.marker import CallSettings
from ..config.marks import marker_keywords
from ..config.options import OF_TESTS, RECORDS, WIDTH, is_serial, stress
from ..config.registry import (
    backend_named,
    breadcrumb,
    changes,
    guard,
    own_comparison,
    sendable,
)
from ..config.settings import AXES, settings
from ..session.capturing import capture_of
from ..session.diagnosing import causes_of, is_kept, second_look
from ..session.progress import showing
from ..session.reporting import CALLS, report_runs
from ..session.rewriting import modules_of, rewritten
from ..session.termination import ENDING
from .kept import Serial, keep, watchers
from .verified import Verified, entry_without_run

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11
Value = TypeVar("Value")

#: Keywords of the marker that a single call accepts too.
CALL_KEYWORDS = ("backend", "workers", "compare", "verify", "timeout", "chunksize", "diagnose")

#: Width of the prefix that pytest puts before each line of an exception.
MARGIN = len("E       ")


@public()
class Parwork:
    """Fan out calls, verify them against the serial run, and return the values."""

    def __init__(self, item: pytest.Function) -> None:
        load_comparers()  # before the test patches what imports need
        self._item = item
        self._config = item.config
        self._marked = marker_keywords(item)
        self._is_xdist = hasattr(item.config, "workerinput")
        self._counts = {"map": count(), "starmap": count()}

    def map(
        self,
        fn: Callable[..., Value],
        /,
        *iterables: Iterable[Any],
        **settings: Unpack[CallSettings],
    ) -> Run[Value]:
        """Call `fn` with the items of the iterables, as the built-in `map` does, in parallel.

        `fn` is called a second time for each item, serially in this process, and both outcomes
        must be the same; with side effects use `verify=0`. Keywords are those of the marker:
        backend, workers, compare, verify, timeout, chunksize, diagnose; single values only.

        Returns a `Run`: the values in order, with `.outcomes`, `.wall` and `.speedup`. Raises
        `MismatchError` if outcomes differ, `LostError` if a worker died, `PayloadError` if `fn`, an
        argument or a result cannot be sent, `BackendError` if the backend cannot start, and the
        first exception of `fn` itself if both runs raised it.
        """
        __tracebackhide__ = True
        if not iterables:
            raise UsageError("parwork.map got a function only; it needs at least one iterable")
        calls = list(zip(*iterables))  # noqa: B905, because map stops at the shortest
        return self._run("map", fn, calls, settings)

    def starmap(
        self,
        fn: Callable[..., Value],
        tuples: Iterable[Iterable[Any]],
        /,
        **settings: Unpack[CallSettings],
    ) -> Run[Value]:
        """Call `fn(*arguments)` for each of `tuples`; otherwise the same as `map`."""
        __tracebackhide__ = True
        return self._run("starmap", fn, [tuple(arguments) for arguments in tuples], settings)

    def _run(
        self,
        kind: str,
        fn: Callable[..., object],
        calls: Sequence[tuple[Any, ...]],
        given: Mapping[str, object],
    ) -> Run:
        __tracebackhide__ = True
        if not callable(fn):
            raise UsageError(f"parwork.{kind} needs a function, not {fn!r:.80}")
        plan = self._plan(given)
        name = f"{self._item.nodeid}::{kind}[{next(self._counts[kind])}]"
        ids = [f"{name}[{number}]" for number in range(len(calls))]
        workload = Workload(
            name=name,
            tasks=tuple(
                Task(id=id, function=fn, args=args, timeout=plan.timeout)
                for id, args in zip(ids, calls, strict=True)
            ),
        )
        if is_serial(self._config) or not calls:
            return self._serial_only(workload, plan)
        backend = backend_named(self._config, plan.configuration.backend)
        is_rerun = is_kept(plan, backend) or bool(stress(self._config))
        request = replace(self._request(workload, plan), keep=is_rerun)
        try:
            with showing(self._config, name, plan.configuration.id) as progress:
                run = execute(replace(request, progress=progress), backend)
        except BackendError as error:
            why = NotSent(reason="backend", detail=str(error))
            self._report(entry_without_run(workload, plan, why, xdist=self._is_xdist))
            raise why.error from error
        except Interrupted as error:
            return self._judged(workload, plan, error.run, error.cause)
        return self._judged(workload, plan, run, None)

    def _judged(
        self, workload: Workload, plan: Plan, run: Run, interrupted: KeyboardInterrupt | None
    ) -> Run:
        """Compare the calls of a run, report it, and return it or raise for its worst verdict."""
        __tracebackhide__ = True
        rerun = run.outcomes.rerun  # type: ignore[attr-defined]  # as below
        backend = backend_named(self._config, plan.configuration.backend)
        look = second_look(self._config, run, backend)
        serial: Serial = Kept()
        verified = Verified(
            workload,
            plan,
            run,
            own=own_comparison(self._item, plan.policy),
            scene=self._scene(plan),
            breadcrumb=breadcrumb(self._config),
            is_recorded=self._config.stash[RECORDS],
            look=look,
            watchers=watchers(self._config, workload.name, serial),
            diagnose=None
            if rerun is None or not plan.diagnose
            else self._diagnosing(workload, run),
        )
        is_kept_on = False
        try:
            if interrupted is None:
                verified.verify()
                is_kept_on = rerun is not None and bool(stress(self._config))
            else:
                verified.leave()
        except KeyboardInterrupt as error:
            interrupted = error
        finally:
            run.outcomes.close()  # type: ignore[attr-defined]  # loaded values are kept
            if rerun is not None and not is_kept_on:
                rerun.close()
            if look is not None:
                look.close()
            if interrupted is None:  # also if something else was raised
                self._report(verified.entry(xdist=self._is_xdist))
        if is_kept_on:
            keep(self._item, run, plan, verified, serial)
        if interrupted is not None:
            report_runs(self._config, [verified.entry(xdist=self._is_xdist)])
            raise interrupted
        return verified.result()

    def _request(self, workload: Workload, plan: Plan) -> RunRequest:
        own = getattr(self._item, "module", None)
        tests = {own.__name__} if own is not None else set()
        modules = modules_of(self._config, tests)
        used = {str(getattr(task.function, "__module__", "")) for task in workload.tasks}
        return RunRequest(
            workload=workload,
            configuration=plan.configuration,
            modules=modules,
            rewritten=rewritten(self._item, modules, *used),
            sendable=sendable(self._config),
            guard=guard(self._config),
            capture=capture_of(self._config, from_threads=False),
            surroundings=changes(self._config).surroundings(),
        )

    def _diagnosing(
        self, workload: Workload, run: Run
    ) -> Callable[[Difference], tuple[Cause, ...]]:
        """Return the function that names the causes of a difference."""
        return partial(
            causes_of,
            self._config,
            run.outcomes.rerun,  # type: ignore[attr-defined]  # kept for this
            names=[task.id for task in workload.tasks],
            function=workload.tasks[0].function,
            workers=run.granted,
        )

    def _plan(self, given: Mapping[str, object]) -> Plan:
        __tracebackhide__ = True
        if (repeat := {"repeat": 1, **self._marked, **given}["repeat"]) != 1:
            raise UsageError(
                f"repeat={show(repeat)}: a call is one task for each item; repeat the items of "
                f"the call: parwork.map(fn, items * 5)"
            )
        for keyword in given:
            if keyword not in CALL_KEYWORDS:
                known = ", ".join(CALL_KEYWORDS)
                raise UsageError(f"unknown keyword {keyword!r} for a call; known: {known}")
        wrong = [key for key in given if isinstance(given[key], list | tuple)]
        if wrong:
            raise UsageError(
                f"{wrong[0]}={given[wrong[0]]!r}: a call takes a single value; for a matrix, put "
                f"the list on the marker of the test"
            )
        found = settings(self._config, {**self._marked, **given})
        column = column_of(self._item)
        chosen = column.configuration if column is not None else None
        if chosen is not None:
            fixed = {
                axis: given[axis] for axis in ("backend", "workers", "chunksize") if axis in given
            }
            chosen = replace(chosen, **{key: found.values[key] for key in fixed})
        elif found.axes:
            raise UsageError(
                f"options give several values for {' and '.join(found.axes)}, and only a marked "
                f"test can have a matrix; mark the test"
            )
        return found.plan(chosen)

    def _scene(self, plan: Plan) -> Scene:
        """Return the context for the message on calls that differ, as far as the session has it."""
        backend = backend_named(self._config, plan.configuration.backend)
        node_id, left = self._item.nodeid, [k for k in OF_TESTS if k not in self._marked]
        # A matrix from the options is in the id.
        of_id = AXES if column_of(self._item) is not None else ()
        fixed = {*left}.intersection(of_id)
        return Scene(
            reference=SERIAL.name,
            commands=(
                ("again", command(self._item, node_id, keywords=left)),
                ("serially", command(self._item, node_id, "--parwork-serial", keywords=fixed)),
            ),
            is_verbose=self._config.getoption("verbose", 0) > 0,
            has_own_workers=not is_threaded(backend),
            width=self._config.stash[WIDTH] - MARGIN,
        )

    def _serial_only(self, workload: Workload, plan: Plan) -> Run:
        outcomes = []
        for task in workload.tasks:
            body = partial(task.function, *task.args)
            outcome, error = call(body, run=SERIAL.run, passing=ENDING)
            if error is not None:
                raise error
            outcomes.append(outcome)
        return Run(
            workload=workload.name,
            configuration=plan.configuration,
            outcomes=outcomes,
            wall=sum(outcome.seconds or 0.0 for outcome in outcomes),
            startup=0.0,
            granted=1,
            workers_used=0,
            start_method="none",
        )

    def _report(self, entry: RunEntry) -> None:
        self._item.stash.setdefault(CALLS, []).append(serialise(entry))
