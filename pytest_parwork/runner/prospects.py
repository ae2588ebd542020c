"""Whether the workers of a run will ever start a task, or die before that again and again."""

from __future__ import annotations

from ..backends.protocol import Event
from ..machine.clock import now
from .deaths import Deaths
from .medium import Medium
from .waits import START_PATIENCE

#: How often each worker may die, with no task started in between, until no other one is started.
DEATHS = 4

#: The same for all of few workers.
LEAST = 8


class Prospects:
    """The deaths in a row: since any task was started."""

    def __init__(self, medium: Medium, deaths: Deaths, workers: int) -> None:
        self._medium = medium
        self._deaths = deaths
        self._workers = workers
        self._died = 0
        self._counted = 0  # deaths that the library had named when a batch was given up
        self._broken: set[str] = set()  # workers, by name
        self._failing: float | None = None  # since when workers fail of which that is known already

    @property
    def is_hopeless(self) -> bool:
        """Whether so many workers have died in a row that none will ever start a task.

        Or whether it has taken too long to replace those that can start none any more.
        """
        is_failing = self._failing is not None and now() > self._failing + START_PATIENCE
        return is_failing or self._died >= max(LEAST, DEATHS * self._workers)

    def note_begin(self) -> None:
        """Note that workers can start tasks."""
        self._died = 0
        self._broken.clear()
        self._failing = None

    def note_death(self, event: Event | None = None) -> None:
        """Note the death of a worker, or of the call of a batch by this event."""
        self._died += not self._is_known_broken(event)

    def note_deaths(self, event: Event | None = None) -> None:
        """Note the death of all workers."""
        self._died += 0 if self._is_known_broken(event) else self._workers

    def note_given_up(self, *, is_apart: bool) -> None:
        """Note that the library has given up a batch none of whose tasks had started.

        It gives up every batch that a worker had ahead. If it reports which of its processes have
        exited, these batches count as one death.
        """
        self._died += is_apart or self._deaths.count != self._counted or not self._deaths.has_codes
        self._counted = self._deaths.count

    def _is_known_broken(self, event: Event | None) -> bool:
        """Return whether an innocent batch has met a worker that says nothing about the others.

        That is one that has ended a task of this run, so that tasks can start, or has failed
        before: on a busy machine, it meets one batch after the other until it is replaced.
        """
        if event is None or not (event.is_innocent and event.worker):
            return False
        is_known = event.worker in self._broken or self._medium.has_served(event.worker)
        self._broken.add(event.worker)
        if is_known and self._failing is None:
            self._failing = now()
        return is_known
