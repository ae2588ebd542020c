"""The second look at a doubtful serial run, in a fresh process.

Threads share the memory of the serial run. What they spoil or store there, a cache say, is what the
serial run finds, so that both give the same wrong result. A fresh process has nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Literal

from ..backends.protocol import Backend
from ..equivalence import compare_outcomes
from ..equivalence.outcomes import write_outcome
from ..machine.deadline import Shared, pausing_alarm
from ..model.comparison import FRESH_PROCESS, Comparison, Note
from ..model.dataclass import dataclass
from ..model.listing import shorten
from ..model.outcome import Outcome
from ..model.work import Configuration
from ..report.figures import duration
from ..runner import Rerun
from ..runner.outcomes import Brief, Outcomes
from ..worker.calling import in_thread
from .legs import Look, Terms

#: A new interpreter, and one of which every further process is a copy: same hash seed, same
#: addresses.
FRESH, COPIED = "processes:spawn", "isolated:forkserver"

#: Seconds that a task may take there: at least these, or so many times as long as in its thread;
#: never more than its timeout.
LEAST, TIMES = 10.0, 5.0

#: Seconds, as they were in threads, of further tasks that are run there as well.
MOST = 30.0

#: The serial run reads what threads have stored if it is so many times faster, for each thread:
#: threads of Python take turns. Less than so many seconds in threads measure the system, which on a
#: busy machine stalls a trivial case for 50 ms now and then.
FASTER, WORTH = 10, 0.1

#: Most columns for each of the three values.
SHOWN = 60

#: Why a serial run is doubtful: both failed alike, they differ, or it was far too fast.
Doubt = Literal["failure", "difference", "speed"]


@dataclass(slots=True, kw_only=True)
class SecondLook:
    """Runs the doubtful tasks of a workload on threads serially in a fresh process, once.

    `briefs` are the kinds and seconds of all outcomes, `find` returns a backend by name, `workers`
    is the number of threads; `pausing` pauses the time limits that others have set. The process
    that is started for the first doubtful task also runs those that may become doubtful: the start
    is what it costs.
    """

    rerun: Rerun
    briefs: Sequence[Brief]
    find: Callable[[str], Backend]
    workers: int
    pausing: Callable[[], AbstractContextManager[None]] = pausing_alarm
    _fresh: dict[int, Outcome | str] | None = None
    _parallel: float = 0.0
    _serial: float = 0.0
    _by_threads: bool | None = None

    def of(self, terms: Terms, number: int) -> Look:
        """Return the look at the task of that number."""
        return partial(self._judge, terms, number)

    def close(self) -> None:
        """Free the results of tasks that did not become doubtful."""
        self._fresh = {}

    def _judge(
        self, terms: Terms, number: int, actual: Outcome, expected: Outcome, found: Comparison
    ) -> Comparison:
        doubt = self._doubt(actual, expected, found)
        if doubt is None:
            return found
        is_first = self._fresh is None
        if self._fresh is None:
            with self.pausing():
                self._fresh = self._run(terms, number, actual)
        fresh = self._fresh.pop(number, "only the first cases of a workload are run there")
        if doubt == "difference" and not is_first:
            return found  # the first one has said it
        if isinstance(fresh, str):
            why = f"{_REASONS[doubt]}, and could not be run in a fresh process: {fresh}"
            return _noted(found, why)
        if doubt == "failure":
            return self._failed_alike(terms, actual, expected, found, fresh)
        if doubt == "speed":
            return self._too_fast(terms, number, actual, expected, found, fresh)
        return _noted(found, _tell(terms, actual, expected, found, fresh))

    def _doubt(self, actual: Outcome, expected: Outcome, found: Comparison) -> Doubt | None:
        if found.count:
            is_known = any(mismatch.kind != "uncomparable" for mismatch in found.mismatches)
            return "difference" if is_known else None
        if actual.kind == "failure":
            return "failure"
        parallel, serial = actual.seconds, expected.seconds
        self._parallel += parallel or 0.0
        self._serial += serial or 0.0
        if self._parallel < WORTH:
            return None
        is_fast = self._is_too_fast(parallel, serial)
        return "speed" if is_fast or self._is_too_fast(self._parallel, self._serial) else None

    def _is_too_fast(self, parallel: float | None, serial: float | None) -> bool:
        if parallel is None or serial is None or parallel < WORTH:
            return False
        return parallel > serial * FASTER * max(self.workers, 1)

    def _failed_alike(
        self, terms: Terms, actual: Outcome, expected: Outcome, found: Comparison, fresh: Outcome
    ) -> Comparison:
        if fresh.kind == "value":
            other = self._compare(terms, actual, fresh)
            text = other.mismatches[0].expected
            three = _three(terms, write_outcome(actual), write_outcome(expected), text)
            why = f"{three}: it passes there, so what ran in this process before makes it fail"
            return _noted(_against_fresh(other), why)
        if self._compare(terms, fresh, expected):
            return found  # it fails everywhere
        text = write_outcome(fresh)
        return _noted(found, f"both runs failed alike, but in a fresh process: {text}")

    def _too_fast(
        self,
        terms: Terms,
        number: int,
        actual: Outcome,
        expected: Outcome,
        found: Comparison,
        fresh: Outcome,
    ) -> Comparison:
        fast = (
            f"the serial run took {duration(expected.seconds or 0.0)} where {terms.actual.name} "
            f"took {duration(actual.seconds or 0.0)}, so it may have read what the threads had "
            f"stored"
        )
        other = self._compare(terms, actual, fresh)
        if other:
            return _noted(found, f"{fast}; in a fresh process the result is the same")
        if self._by_threads is None:  # one answer for all cases of a workload
            self._by_threads = self._depends_on_threads(terms, number, fresh)
        if not self._by_threads:
            differs = "in a fresh process the result is another one in each process, threads or not"
            return _noted(found, f"{fast}; {differs}")
        first = other.mismatches[0]
        three = _three(terms, first.actual, first.actual, first.expected)
        return _noted(_against_fresh(other), f"{three}: {fast}")

    def _depends_on_threads(self, terms: Terms, number: int, fresh: Outcome) -> bool:
        """Return whether a result differs from that of a fresh process because of the threads.

        It does not if each process gives another one, as by the hash seed, unless copies of one
        process give the same one, and another one in a thread.
        """
        again = self._outcomes(terms, FRESH, [number], fresh).get(number)
        if isinstance(again, Outcome) and self._compare(terms, again, fresh):
            return True
        copies = [
            self._outcomes(terms, COPIED, [number], fresh, is_in_thread=where).get(number)
            for where in (False, False, True)
        ]
        usable = [copy for copy in copies if isinstance(copy, Outcome)]
        if len(usable) < len(copies):
            return False
        one, two, inside = usable
        return bool(self._compare(terms, one, two)) and not self._compare(terms, inside, one)

    def _compare(self, terms: Terms, actual: Outcome, expected: Outcome) -> Comparison:
        return compare_outcomes(
            actual, expected, terms.policy, own=terms.own, seconds=terms.timeout
        )

    def _run(self, terms: Terms, number: int, actual: Outcome) -> dict[int, Outcome | str]:
        """Run a task in a fresh process, and after it those that may become doubtful."""
        numbers = [number, *self._others(number, actual.seconds or 0.0)]
        return self._outcomes(terms, FRESH, numbers, actual)

    def _others(self, number: int, seconds: float) -> Iterator[int]:
        """Yield the other tasks that failed in threads, or took as long there."""
        left = MOST
        for other, (kind, taken) in enumerate(self.briefs):
            is_like = kind == "failure" or (kind == "value" and taken > max(seconds, WORTH) / 2)
            if other == number or not is_like or left < taken or other in self.rerun.unavailable:
                continue
            left -= taken
            yield other

    def _outcomes(
        self,
        terms: Terms,
        name: str,
        numbers: list[int],
        like: Outcome,
        *,
        is_in_thread: bool = False,
    ) -> dict[int, Outcome | str]:
        """Run tasks one after the other on a backend; return outcomes, or why there is none."""
        first, seconds = numbers[0], max(LEAST, TIMES * (like.seconds or 0.0))
        if terms.timeout is not None:
            seconds = min(seconds, float(terms.timeout))
        if first in self.rerun.unavailable:
            return {first: self.rerun.unavailable[first]}
        try:
            run = self.rerun.run_elsewhere(
                numbers,
                self.find(name),
                Configuration(backend=name, workers=1),
                timeout=seconds,
                around=in_thread if is_in_thread else None,
            )
        except Exception as error:  # no process can be started here
            return {first: str(error)}
        assert isinstance(run.outcomes, Outcomes)
        limit = Shared.of(min(LEAST, seconds))
        try:
            return {n: _usable(run.outcomes.load(at, limit)) for at, n in enumerate(numbers)}
        finally:
            run.outcomes.close()


_REASONS = {
    "failure": "both runs failed alike",
    "difference": "the serial run shares this process with the threads",
    "speed": "the serial run was much faster than the threads",
}


def _usable(outcome: Outcome) -> Outcome | str:
    """Return an outcome of a fresh process, or why it says nothing about the task."""
    if outcome.lost is not None:
        return outcome.lost.detail
    return outcome if outcome.not_sent is None else outcome.not_sent.detail


def _tell(
    terms: Terms, actual: Outcome, expected: Outcome, found: Comparison, fresh: Outcome
) -> str:
    """Say what a fresh process gives where both runs differ."""

    def compare(other: Outcome) -> Comparison:
        return compare_outcomes(fresh, other, terms.policy, own=terms.own, seconds=terms.timeout)

    first = found.mismatches[0]
    serial = compare(expected)
    if serial:
        three = _three(terms, first.actual, first.expected, first.expected)
        return f"{three}: the fresh process confirms the serial run"
    if compare(actual):
        three = _three(terms, first.actual, first.expected, first.actual)
        return (
            f"{three}: the serial run depends on what ran in this process before: perhaps on this "
            f"case itself, if it can run only once in a process"
        )
    other = serial.mismatches[0]
    place = f"at {other.path} " if other.path and other.path != first.path else ""
    three = _three(terms, first.actual, first.expected, f"{place}{other.actual}")
    return f"{three}: the serial run depends on what ran in this process before, as after a race"


def _three(terms: Terms, parallel: str, serial: str, fresh: str) -> str:
    parallel, serial, fresh = (shorten(text, SHOWN) for text in (parallel, serial, fresh))
    here = f"{terms.reference.name} here {serial}"
    return f"{terms.actual.name} {parallel}; {here}; serial in a fresh process {fresh}"


def _against_fresh(found: Comparison) -> Comparison:
    """Say at the first mismatch that the expected value is that of a fresh process."""
    first, *others = found.mismatches
    named = replace(first, expected=f"{first.expected} in a fresh process")
    return replace(found, mismatches=(named, *others))


def _noted(found: Comparison, text: str) -> Comparison:
    return replace(found, notes=(*found.notes, Note(path="", kind=FRESH_PROCESS, text=text)))
