"""The smallest set of earlier cases after which a case gives a certain result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...model.outcome import Outcome
from .bench import Experiment
from .laboratory import SEEDS, Laboratory
from .processes import ExhaustedError

#: Most sets that are tried at once, and how often.
MOST_AT_ONCE, MOST_ROUNDS = 20, 4

#: Returns whether outcomes are the wanted ones.
AreSo = Callable[[Sequence[Outcome]], bool]

#: One process is enough to search; what is found is tried in both.
FIRST = SEEDS[:1]


def smallest(
    lab: Laboratory, earlier: Sequence[int], are_so: AreSo, *, is_sharing: bool = False
) -> Sequence[int]:
    """Return the smallest set of earlier cases that is found; all of them if that is none.

    A single one is tried first. Then the set grows by one case at a time: the last one of the
    shortest beginning of the others that suffices together with it (delta debugging, for results
    that further cases do not undo). At most so many sets are tried as the budget allows.
    """
    search = _Search(lab, are_so, is_sharing=is_sharing)
    if len(earlier) < 2:
        return earlier
    try:
        found = search.single(earlier) or search.several(earlier)
        return found if search.is_certain(found) else earlier
    except ExhaustedError:
        return earlier


def _first(earlier: Sequence[int]) -> list[list[int]]:
    """Return each earlier case, the latest one first; then all but one of them, and all."""
    some = earlier[-MOST_AT_ONCE:]
    singles = [[number] for number in reversed(some)]
    others = [[one for one in earlier if one != number] for number in some]
    return [*singles, *others, list(earlier)]


def after(lab: Laboratory, earlier: Sequence[int], *, is_sharing: bool) -> Experiment:
    """Return the case after some earlier ones."""
    how = ", with the same arguments" if is_sharing else ""
    label = f"after {', '.join(lab.named([number]) for number in earlier)}{how}"
    return lab.experiment(label, earlier, is_sharing=is_sharing)


class _Search:
    def __init__(self, lab: Laboratory, are_so: AreSo, *, is_sharing: bool) -> None:
        self._lab = lab
        self._are_so = are_so
        self._is_sharing = is_sharing

    def single(self, earlier: Sequence[int]) -> Sequence[int]:
        """Return the latest case that suffices; all if none can be missed, else nothing."""
        count = min(MOST_AT_ONCE, len(earlier))
        sets = _first(earlier)
        singles, others = sets[:count], sets[count:-1]
        self._measure(sets)
        found = next((one for one in singles if self._is_so(one)), [])
        if found or len(earlier) > MOST_AT_ONCE or any(map(self._is_so, others)):
            return found
        return earlier

    def several(self, earlier: Sequence[int]) -> Sequence[int]:
        """Return a set of several cases, all if it would take too many rounds to find it."""
        needed: list[int] = []
        pool, rounds = list(earlier), 0
        while not (needed and self._is_so(needed)):
            low, high = 0, len(pool)  # the beginning of length `high` suffices, `low` does not
            while high - low > 1:
                rounds += 1
                if rounds > MOST_ROUNDS:
                    return earlier
                step = max(1, (high - low) // MOST_AT_ONCE)
                lengths = range(low + step, high, step)
                tried = [sorted([*needed, *pool[:n]], key=earlier.index) for n in lengths]
                self._measure(tried)
                enough = [n for n, one in zip(lengths, tried, strict=True) if self._is_so(one)]
                high = min(enough, default=high)
                low = max((n for n in lengths if n < high), default=low)
            if not high:
                return earlier
            needed = sorted([*needed, pool[high - 1]], key=earlier.index)
            pool = pool[: high - 1]
        return needed

    def is_certain(self, found: Sequence[int]) -> bool:
        """Return whether a set suffices in both processes."""
        return self._are_so(self._lab.outcomes(self._experiment(found)))

    def _measure(self, sets: Sequence[Sequence[int]]) -> None:
        self._lab.measure([self._experiment(one) for one in sets], FIRST)

    def _is_so(self, earlier: Sequence[int]) -> bool:
        return self._are_so(self._lab.outcomes(self._experiment(earlier), FIRST))

    def _experiment(self, earlier: Sequence[int]) -> Experiment:
        return after(self._lab, earlier, is_sharing=self._is_sharing)
