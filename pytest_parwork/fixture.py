"""The `parwork` fixture: calls fanned out inside a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from .config import CONFIGURATION, backend_named, guard, marker_keywords, settings
from .equivalence import compare_outcomes
from .errors import LostError, MismatchError, UsageError
from .limits import Limits
from .marker import CallSettings
from .model import Comparison, Lost, Mismatch, Outcome, Plan, Run, Task, Verdict, Workload
from .modules import project_modules
from .options import is_serial
from .reference import call, sample
from .report.data import RunEntry
from .report.entries import INTERRUPTED, CaseEntry, RunFacts, judged
from .report.message import mismatch_message
from .runner import Interrupted, carry_out
from .session import tell

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11

__all__ = ["CALLS", "Parwork"]

#: Keywords of the marker that a single call can have too.
CALL_KEYWORDS = ("backend", "workers", "compare", "verify", "timeout", "chunksize")

CALLS = pytest.StashKey[list[dict[str, Any]]]()


class Parwork:
    """Fan out calls, verify them against the serial run, and return the values."""

    def __init__(self, item: pytest.Function) -> None:
        self._item = item
        self._config = item.config
        self._marked = marker_keywords(item)
        self._counts = {"map": count(), "starmap": count()}

    def map(
        self,
        fn: Callable[..., object],
        /,
        *iterables: Iterable[Any],
        **settings: Unpack[CallSettings],
    ) -> Run:
        """Call `fn` with the items of the iterables, as the built-in `map` does, in parallel.

        `fn` is called a second time for each item, serially in this process, and both outcomes
        must be the same; with side effects use `verify=0`. Keywords are those of the marker:
        backend, workers, compare, verify, timeout, chunksize; single values only.

        Returns a `Run`: the values in order, with `.outcomes`, `.wall` and `.speedup`. Raises
        `MismatchError` where the outcomes differ, `LostError` where a worker died, and the first
        exception of `fn` itself where both runs raised it.
        """
        __tracebackhide__ = True
        if not iterables:
            raise UsageError("parwork.map needs at least one iterable beside the function")
        calls = list(zip(*iterables))  # noqa: B905, because map stops at the shortest
        return self._run("map", fn, calls, settings)

    def starmap(
        self,
        fn: Callable[..., object],
        tuples: Iterable[Iterable[Any]],
        /,
        **settings: Unpack[CallSettings],
    ) -> Run:
        """Call `fn(*arguments)` for each of `tuples`; else as `map`."""
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
        interrupted: KeyboardInterrupt | None = None
        try:
            run = carry_out(
                workload,
                plan.configuration,
                backend_named(self._config, plan.configuration.backend),
                modules=project_modules(self._config.rootpath),
                guard=guard(self._config),
            )
        except Interrupted as error:
            run, interrupted = error.run, error.cause
        verified = _Verified(workload, plan, run)
        is_xdist = hasattr(self._config, "workerinput")
        try:
            if interrupted is None:
                verified.verify()
            else:
                verified.leave()
        except KeyboardInterrupt as error:
            verified.leave()
            interrupted = error
        finally:
            run.outcomes.close()  # type: ignore[attr-defined]  # what was loaded stays
        if interrupted is not None:
            tell(self._config, [verified.entry(xdist=is_xdist).to_dict()])
            raise interrupted
        self._tell(verified.entry(xdist=is_xdist))
        return verified.result()

    def _plan(self, given: Mapping[str, object]) -> Plan:
        __tracebackhide__ = True
        for keyword in given:
            if keyword not in CALL_KEYWORDS:
                known = ", ".join(CALL_KEYWORDS)
                raise UsageError(f"unknown keyword {keyword!r}; a call knows: {known}")
        wrong = [key for key in given if isinstance(given[key], list | tuple)]
        if wrong:
            raise UsageError(
                f"{wrong[0]}={given[wrong[0]]!r}: a call takes a single value; a list on the "
                f"marker makes a matrix of the test"
            )
        found = settings(self._config, {**self._marked, **given})
        callspec = getattr(self._item, "callspec", None)
        chosen = callspec.params.get(CONFIGURATION) if callspec is not None else None
        if chosen is not None:
            fixed = {
                axis: given[axis] for axis in ("backend", "workers", "chunksize") if axis in given
            }
            chosen = replace(chosen, **{key: found.values[key] for key in fixed})
        elif found.axes:
            raise UsageError("a list of options makes a matrix of marked tests only; mark the test")
        return found.plan(chosen)

    def _serial_only(self, workload: Workload, plan: Plan) -> Run:
        outcomes = []
        for task in workload.tasks:
            outcome, error = call(partial(task.function, *task.args))
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

    def _tell(self, entry: RunEntry) -> None:
        self._item.stash.setdefault(CALLS, []).append(entry.to_dict())


class _Verified:
    """A run of calls and the serial run beside it, item by item."""

    def __init__(self, workload: Workload, plan: Plan, run: Run) -> None:
        self._workload = workload
        self._plan = plan
        self._run = run
        self._batch = f"{workload.name}:{id(run):x}"
        self._outcomes: list[Outcome] = []
        self._entries: list[CaseEntry] = []
        self._mismatches: list[Mismatch] = []
        self._count = 0
        self._serial_seconds = 0.0
        self._error: BaseException | None = None
        self._lost: str = ""
        self._message: str = ""

    def verify(self) -> None:
        """Compare each outcome; the serial value is let go at once."""
        chosen = sample([task.id for task in self._workload.tasks], self._plan.verify)
        limits = Limits(self._run.threads)
        for index, task in enumerate(self._workload.tasks):
            parallel = self._run.outcomes[index]
            self._outcomes.append(parallel)
            if parallel.lost is not None:
                self._lose(index, parallel.lost, parallel)
            elif task.id not in chosen:
                if parallel.kind != "value" and self._error is None:
                    self._error = _raised(parallel)
                why = f"verify={self._plan.verify:g}"
                self._add(index, Verdict.NOT_VERIFIED, parallel, why=why)
            else:
                with limits.hold():
                    serial, error = call(partial(task.function, *task.args), timeout=task.timeout)
                if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
                    raise error
                if serial.lost is not None:
                    self._lose(index, serial.lost, parallel, serial)
                    continue
                self._compare(index, parallel, serial)
                if self._error is None:
                    self._error = error

    def leave(self) -> None:
        """Take note of what is not compared: the session was interrupted."""
        for index in range(len(self._entries), len(self._workload.tasks)):
            outcome = self._run.outcomes[index]
            verdict = Verdict.NOT_VERIFIED if outcome.lost is None else Verdict.LOST
            self._add(index, verdict, outcome, why=INTERRUPTED)

    def _lose(
        self, index: int, lost: Lost, parallel: Outcome, serial: Outcome | None = None
    ) -> None:
        self._lost = self._lost or f"LOST: {self._workload.tasks[index].id}: {lost.detail}"
        self._add(index, Verdict.LOST, parallel, serial)

    def _compare(self, index: int, parallel: Outcome, serial: Outcome) -> None:
        comparison = compare_outcomes(parallel, serial, self._plan.policy)
        self._serial_seconds += serial.seconds or 0.0
        verdict = Verdict.EQUAL if comparison else Verdict.DIFFERENT
        self._add(index, verdict, parallel, serial, comparison)
        self._count += comparison.count
        self._mismatches += [
            replace(mismatch, path=f"[{index}]{mismatch.path}")
            for mismatch in comparison.mismatches
        ]

    def _add(
        self,
        index: int,
        verdict: Verdict,
        parallel: Outcome,
        serial: Outcome | None = None,
        comparison: Comparison | None = None,
        why: str = "",
    ) -> None:
        entry = judged(
            self._workload.tasks[index].id,
            verdict,
            index=index,
            batch=self._batch,
            parallel=parallel,
            serial=serial,
            comparison=comparison,
            why=why,
        )
        self._entries.append(entry)

    def entry(self, *, xdist: bool) -> RunEntry:
        """Return what the report says of the run."""
        run, configuration = self._run, self._plan.configuration
        facts = RunFacts.of(run, self._batch)
        return RunEntry(
            id=self._workload.name,
            configuration_id=configuration.id,
            backend=configuration.backend,
            asked=configuration.workers,
            chunksize=configuration.chunksize,
            policy=str(self._plan.policy),
            facts=(facts,),
            cases=tuple(self._entries),
            expected=len(self._workload.tasks),
            xdist=xdist,
        )

    def result(self) -> Run:
        """Return the run, or raise the worst that came of it."""
        __tracebackhide__ = True
        if self._lost:
            raise LostError(self._lost)
        if self._count:
            raise MismatchError(self._told())
        if self._error is not None:
            raise self._error
        comparison = Comparison(policy=str(self._plan.policy))
        checked = self._plan.verify > 0
        return replace(
            self._run,
            outcomes=tuple(self._outcomes),
            comparison=comparison if checked else None,
            reference_wall=self._serial_seconds if self._plan.verify == 1 else None,
        )

    def _told(self) -> str:
        """Tell all differences of the calls as one failure, paths led by the number of the call."""
        whole = judged(
            self._workload.name,
            Verdict.DIFFERENT,
            index=0,
            comparison=Comparison(
                mismatches=tuple(self._mismatches), count=self._count, policy=str(self._plan.policy)
            ),
        )
        label = f"{self._plan.configuration.backend}-{self._run.granted}"
        node_id = self._workload.name.rpartition("::")[0]
        return mismatch_message(
            replace(whole, id=node_id), configuration=label, workload=node_id.partition("[")[0]
        )


def _raised(outcome: Outcome) -> BaseException:
    __tracebackhide__ = True
    try:
        outcome.result()
    except BaseException as error:
        return error
    raise AssertionError("a failure without an exception")
