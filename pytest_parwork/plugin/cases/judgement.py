"""The verdict on a case, with the facts that its reports need until they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...machine.deadline import Shared
from ...model.dataclass import dataclass
from ...model.errors import FixtureError, MismatchError, ParworkError
from ...model.outcome import Failure, Subtest, Verdict
from ...model.output import Output
from ...report.entries import CaseEntry, with_rejection
from ...worker.fixtures.subtests import Subtests


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What a task has left in its worker besides its result.

    `torn` are the failures of its tear-down; `late` are those of its call that came after the body,
    where pytest runs the case in both legs, None where it does not. `parts` are its subtests.
    """

    torn: tuple[Failure, ...] = ()
    late: tuple[Failure, ...] | None = None
    parts: tuple[Subtest, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Judgement:
    """The verdict on a case, and the facts that its reports need.

    `entry` and `message` are final once they are set, even if the item is run again; `raises` is
    the class of the error with the message. `traceback` is
    the worker's, for a failure that was not verified; `output` is the output, log and warnings of
    the case in the worker, until they are shown. `is_like` says that the message only names another
    case, which has shown the same in full. `after` are what its tasks have left in the worker
    besides their results, the task whose outcome decides first, and `raised` is what the body
    raised here. `subtests` records its subtests here.

    `limit` is the timeout of the case, shared by all code of its results that runs in this process.
    `wide_seconds` is the set-up time of wide fixtures, for the first case that needed them;
    `setup_seconds` is that of its function-scoped fixtures in this process, `broken` is their
    exception.
    """

    entry: CaseEntry | None = None
    message: str = ""
    raises: type[ParworkError] = MismatchError
    traceback: str = ""
    is_like: bool = False
    after: tuple[Aftermath, ...] = ()
    raised: BaseException | None = None
    subtests: Subtests | None = None
    output: Output | None = None
    limit: Shared | None = None
    wide_seconds: float = 0.0
    setup_seconds: float = 0.0
    broken: BaseException | None = None

    def limit_of(self, timeout: float) -> Shared | None:
        """Return the limit that all code of the results shares, made when it is first asked for.

        A result of which no method ever returns would otherwise take the timeout for each of them.
        """
        if self.limit is None:
            self.limit = Shared.of(timeout)
        return self.limit

    def renew_limit(self) -> None:
        """Grant the timeout again, for another task of the case, unless it is used up."""
        if self.limit is not None and not self.limit.is_used_up:
            self.limit = None

    def take_after_call(self) -> Sequence[Aftermath]:
        """Return what is compared after the call, once; what is left is of the tear-down."""
        after = self.after
        if after:
            self.after = tuple(replace(one, late=None, parts=()) for one in after)
        return after

    def take_torn(self) -> Sequence[tuple[Failure, ...]]:
        """Return the failures of the tear-downs in the worker, once: they are compared once."""
        after, self.after = self.after, ()
        return [one.torn for one in after]

    def take_broken(self) -> BaseException | None:
        """Return the exception of the set-up here, once: it keeps its frames alive."""
        broken, self.broken = self.broken, None
        return broken

    @property
    def error(self) -> ParworkError:
        """The error to raise for the verdict, with the message."""
        return self.raises(self.message)

    def reject(self, why: str, *, like: str = "") -> None:
        """Record that there is nothing to compare, because a worker does not support a fixture.

        `like` is another case that has shown the reason, empty if none has.
        """
        assert self.entry is not None
        self.entry = with_rejection(self.entry, why)
        self.message = f"{Verdict.NOT_SENT}: {f'as in {like}' if like else why}"
        self.raises = FixtureError
