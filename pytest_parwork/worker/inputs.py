"""The check whether a call changes its arguments, for a sample of the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..machine.deadline import TimedOut, deadline
from ..model.work import Task
from .copies import is_atom


def is_sampled(number: int, tasks: int) -> bool:
    """Return whether a task is checked: only the first and the last one are.

    A digest of 80 MB takes 40 ms, so it is not made for every task.
    """
    return number in (0, tasks - 1)


def has_inputs(task: Task) -> bool:
    """Return whether a task has arguments that it could change."""
    return any(not is_atom(value) for value in (*task.args, *task.kwargs.values()))


class Inputs:
    """The arguments of a call with digests from before it, if these take at most `seconds`."""

    def __init__(
        self,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        *,
        seconds: float | None = None,
    ) -> None:
        self._seconds = seconds
        values = {**{str(n): arg for n, arg in enumerate(args, start=1)}, **kwargs}
        self._values = {name: value for name, value in values.items() if not is_atom(value)}
        self._before = self._digest()

    def changed(self) -> list[str]:
        """Return the names or numbers of the arguments that have changed.

        An argument without a digest counts as unchanged.
        """
        if not self._before:
            return []
        after = self._digest()
        return [name for name, digest in after.items() if digest != self._before[name]]

    def _digest(self) -> dict[str, bytes | None]:
        if not self._values:
            return {}
        from ..equivalence.digest import digest  # here, because few workers need it

        try:
            with deadline(self._seconds):
                return {name: digest(value) for name, value in self._values.items()}
        except TimedOut:
            if self._seconds is None:  # raised by the runner, in a thread that it has given up
                raise
            return {}
