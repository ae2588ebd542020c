"""The results of tasks: outcomes, verdicts and runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, overload

from .comparison import Comparison
from .dataclass import dataclass
from .errors import BackendError, LostError, ParworkError, PayloadError
from .output import Output
from .printable import printable
from .public import public
from .remade import remade
from .work import Budget, Configuration

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # `default` is in typing from Python 3.13

    Value = TypeVar("Value", covariant=True, default=Any)
else:
    from typing import TypeVar

    Value = TypeVar("Value", covariant=True)


#: What a task came to.
OutcomeKind = Literal["value", "failure", "skip", "not_sent", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An exception in a form that any process can report.

    `exception` is the object itself where it could be pickled and loaded, else None. `where` is
    (file, line) of the raise, `source` the text of that line. `notes` are those that `add_note`
    added. `chain` are the exceptions that it was raised from, or that it groups, outermost first.
    """

    type: str
    text: str
    traceback: str = ""
    where: tuple[str, int] | None = None
    source: str = ""
    is_assertion: bool = False
    exception: BaseException | None = None
    notes: tuple[str, ...] = ()
    chain: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An exception in the chain of another one, and the path to it: `.__cause__.__context__`."""

    path: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One execution of a task that did not complete.

    `seconds` is its duration until its end was noticed, `pid` the process, None for a thread.
    Where it `is_alone`, the task was run on its own, so that no other task can be to blame.
    """

    seconds: float
    pid: int | None = None
    is_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Why a task has no outcome.

    `stack` is the worker's stack when it ended: `file:line in function`, the innermost first.
    """

    reason: Literal["crash", "timeout", "interrupted", "backend"]
    detail: str
    tries: tuple[Try, ...] = ()
    stack: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Why a task was not run in parallel, or its result did not come back, with nothing lost.

    The reason is an `argument` (or the function itself) that cannot be sent to a worker, a `result`
    that cannot be sent back, or a `backend` that cannot start here. `detail` says it in words.
    `name` is that of the argument, or its number, empty for the function; `path` leads to the part
    of the value that is at fault, `['model'].lock`, and is empty for the value as a whole. `remedy`
    is what to do, if more is known than the reason.
    """

    reason: Literal["argument", "result", "backend"]
    detail: str
    name: str = ""
    path: str = ""
    remedy: str = ""

    @classmethod
    def of_argument(cls, name: int | str, why: str, path: str = "") -> NotSent:
        """Return why an argument cannot be sent; the one without a name is the function."""
        what = "the function" if name == "" else f"argument {name!r}"
        return cls(reason="argument", detail=f"{what} {why}", name=str(name), path=path)

    @property
    def error(self) -> ParworkError:
        """The exception for it: `PayloadError`, or `BackendError` for a backend."""
        kind = BackendError if self.reason == "backend" else PayloadError
        return kind(f"NOT_SENT: {self.detail}{f'; {self.remedy}' if self.remedy else ''}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtest:
    """One block of `subtests.test`: its message, its parameters as texts, and how it ended."""

    message: str | None
    parameters: tuple[tuple[str, str], ...]
    ended: Literal["passed", "skipped", "failed"]
    failure: Failure | None = None

    def __str__(self) -> str:
        named = ", ".join(f"{name}={text}" for name, text in self.parameters)
        parts = [f"[{self.message}]" * (self.message is not None), f"({named})" * bool(named)]
        return f"{' '.join(filter(None, parts)) or '(<subtest>)'} {self.ended}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one task: a value, a failure, a skip, *not sent*, or *lost*.

    `arrived`, `started` and `ended` are seconds on `clock.now`: when the worker received the task,
    when its function was called, and when it returned. `cpu` are the CPU seconds in between: those
    of its process and of the children that this waited for, in threads and across a network those
    of its thread. `worker` is 1, 2, … in the order in which the workers of the run arrived;
    `process` is the id of its process, in threads that of the thread, across a network a number
    that no other process of the run has. `has_changed_input` is determined for a sample of the
    tasks. `output` is what the task printed, logged and warned, None if nothing.

    `phase` is the last phase that a task with fixtures reached: a failure or a skip may be that of
    the set-up. `torn` are the failures of the fixtures' tear-down. `late` are failures of the call
    that its function did not raise: in its threads, in a `__del__`, in a hook after it, soft ones.
    """

    kind: OutcomeKind
    value: object = None
    failure: Failure | None = None
    not_sent: NotSent | None = None
    phase: Literal["setup", "call"] = "call"
    torn: tuple[Failure, ...] = ()
    late: tuple[Failure, ...] = ()
    subtests: tuple[Subtest, ...] = ()
    lost: Lost | None = None
    arrived: float | None = None
    started: float | None = None
    ended: float | None = None
    cpu: float | None = None
    worker: int | None = None
    process: int | None = None
    has_changed_input: bool = False
    output: Output | None = None

    @property
    def seconds(self) -> float | None:
        """Seconds from the call to the return of the function, None if it did not return."""
        if self.started is None or self.ended is None:
            return None
        return self.ended - self.started

    def result(self) -> object:
        """Return the value; raise the failure, `LostError`, or the error of what was not sent."""
        __tracebackhide__ = True
        if self.kind == "value":
            return self.value
        if self.not_sent is not None:
            raise self.not_sent.error
        if self.lost is not None:
            raise LostError(f"LOST: {self.lost.detail}")
        assert self.failure is not None
        if self.failure.exception is not None:
            raise self.failure.exception
        failure = self.failure
        if made := remade(failure.type, failure.text, failure.notes):
            raise made
        text = f"{self.failure.type}: {self.failure.text} (the exception could not be pickled)"
        raise RuntimeError(printable(f"{text}\n{self.failure.traceback}"))


class Verdict(str, Enum):
    """The result of comparing a case, or a run; a closed set, worst first."""

    LOST = "LOST"
    DIFFERENT = "DIFFERENT"
    NOT_SENT = "NOT_SENT"
    NOT_EXERCISED = "NOT_EXERCISED"
    NOT_VERIFIED = "NOT_VERIFIED"
    EQUAL = "EQUAL"

    def __str__(self) -> str:
        return self.value

    @classmethod
    def worst(cls, verdicts: Sequence[Verdict]) -> Verdict:
        """Return the worst of `verdicts`, `NOT_VERIFIED` if there is none."""
        order = list(cls)
        return min(verdicts, key=order.index, default=cls.NOT_VERIFIED)


@public()
@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Sequence[Value]):
    """One configuration executed on one workload: a sequence of the values in task order.

    `wall` is the seconds from the release of the first task to the last outcome, `startup` the
    seconds before that: payload, workers, imports. `reference_wall` is the serial run's seconds,
    None where nothing was verified. `granted` is the number of workers, `workers_used` the number
    of those that ran at least one task. `budget` gives the source of their number, None where
    nothing was run in parallel. `threads` is the limit of native threads in each worker and in the
    serial run, None for no limit. `sent` are the files of the project that were sent to workers
    without access to them, `withheld` those that were needed and not sent. `avoided` names the
    threads because of which the workers were not forked, as they usually are.
    """

    workload: str
    configuration: Configuration
    outcomes: Sequence[Outcome]
    wall: float
    startup: float
    granted: int
    workers_used: int
    start_method: str
    budget: Budget | None = None
    threads: int | None = None
    comparison: Comparison | None = None
    reference_wall: float | None = None
    sent: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    avoided: str = ""

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> list[Value]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [outcome.result() for outcome in self.outcomes[index]]
        return self.outcomes[index].result()

    def __len__(self) -> int:
        return len(self.outcomes)

    def __iter__(self) -> Iterator[Value]:
        for outcome in self.outcomes:
            value: Any = outcome.result()
            yield value

    def __eq__(self, other: object) -> bool:
        """Compare the values with those of another run, a list or a tuple."""
        if isinstance(other, Run | list | tuple):
            return list(self) == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # values need not be hashable

    @property
    def speedup(self) -> float | None:
        """Serial seconds divided by parallel seconds, None where nothing was run serially."""
        return self.reference_wall / self.wall if self.reference_wall and self.wall else None

    @property
    def efficiency(self) -> float | None:
        """Speed-up divided by workers, None where nothing was run serially."""
        return self.speedup / self.granted if self.speedup is not None else None
