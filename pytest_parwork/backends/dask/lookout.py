"""The lookout for workers of a joined cluster that are stuck with batches of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...machine.clock import now
from ...worker.network import NetworkCall
from .joined import JoinedDask

#: Seconds between two looks at workers whose batches take longer than that; without a sign of life
#: until their nannies are asked to look after them; and until one that runs nothing is ended.
LOOK = 1.0
QUIET = 1.5
DEAF = 5.0


class Lookout:
    """Asks the nannies to end workers that are stuck, or whose tasks exceed their time.

    A worker keeps the limits of its tasks itself, in a thread. A sign of life does not show that
    this thread lives: a task that finalizes the interpreter leaves, since Python 3.13, nothing but
    the main thread, in which dask's event loop goes on. Its nanny reads in the journal which task
    runs for how long.
    """

    def __init__(self, joined: JoinedDask, call: NetworkCall) -> None:
        self._joined = joined
        self._call = call
        self._limit = min(call.timeouts.values(), default=float("inf"))
        self._looked = now()
        self._signs: dict[str, tuple[float, float]] = {}  # by address: last heard of, since when
        self._since: dict[str, float] = {}  # by key, when its batch was seen first

    def look(self, keys: Collection[str]) -> None:
        """Look at the workers that have the batches of these keys, if it is time to do so."""
        self._since = {key: self._since.get(key) or now() for key in keys}
        if now() < max(self._looked, self._first(keys)) + LOOK:
            return
        self._looked = now()
        before, self._signs = self._signs, {}
        try:
            signs = self._joined.signs()
        except Exception:  # the scheduler does not answer: its client counts that
            return
        for address, (heard, at) in signs.items():
            if not (ours := at & self._since.keys()):
                continue
            seen, since = before.get(address, (0.0, 0.0))
            since = since if seen == heard else now()
            self._signs[address] = (heard, since)
            if now() > min(since + QUIET, self._first(ours) + self._limit + LOOK):
                is_deaf = now() > since + DEAF
                self._joined.look_after(address, self._call, is_deaf=is_deaf)

    def _first(self, keys: Iterable[str]) -> float:
        """Return when the first of these batches was seen, now if there is none."""
        return min((self._since[key] for key in keys), default=now())
