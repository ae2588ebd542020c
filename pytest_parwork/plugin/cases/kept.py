"""What of a group of cases is kept until its perturbed runs: the runs, and the serial results."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ...model.outcome import Outcome, Verdict
from ...verify.legs import Judged
from ...verify.reference import References

if TYPE_CHECKING:
    from ...verify.stress.trial import Executed


class _Closing(Protocol):
    def close(self) -> None: ...


_Run = TypeVar("_Run", bound=_Closing)


class Kept(Generic[_Run]):
    """The runs of a group that are over, and the serial results of the cases that were equal.

    `id` is that of the item that perturbs them. `early` are perturbed runs that followed a run at
    once, by the identity of its outcomes.
    """

    def __init__(self, id: str = "") -> None:
        self.id = id
        self.runs: list[_Run] = []
        self.early: dict[int, Sequence[Executed]] = {}
        self._references = References()
        self._ids: set[str] = set()

    def keep(self, id: str, found: Judged) -> None:
        """Keep the serial result of a case, if the parallel one was equal."""
        if found.entry.verdict is Verdict.EQUAL:
            self._references.keep(id, found.outcomes[-1], None, ())
            self._ids.add(id)

    def has(self, id: str) -> bool:
        """Return whether the serial result of a case is known."""
        return id in self._ids

    def expected(self, id: str) -> Outcome:
        """Return a copy of the serial result of a case."""
        found = self._references.get(id, ())
        assert found is not None
        return found[0]

    def close(self) -> None:
        """Free all results and runs."""
        for run in self.runs:
            run.close()
        for row in chain.from_iterable(self.early.values()):
            row.close()
        self.early.clear()
        self.runs.clear()
        self._references = References()
        self._ids.clear()
