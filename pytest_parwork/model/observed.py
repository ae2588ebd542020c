"""What ran in parallel during a call: pools, threads, processes, and CPU time."""

from __future__ import annotations

from .dataclass import dataclass
from .printable import make_printable

#: The share of the CPU time in other threads from which native threads count as observed; helpers
#: of Python's pools, and of pytest, stay below it.
LEAST_SHARE = 0.1

#: CPU seconds in other threads below which they are noise of the clocks.
LEAST_SECONDS = 0.001

#: How far the share may differ between two runs in which the same native threads worked.
SPREAD = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool that code used, or the threads or processes that it started itself.

    `name` is as its users know it: `joblib's loky`. `workers` is their number, `tasks` how many
    tasks the pool was given during the call: joblib and dask count batches.
    """

    name: str
    workers: int
    tasks: int

    def __post_init__(self) -> None:
        make_printable(self, "name")

    def __str__(self) -> str:
        return f"{self.name} with {self.workers} worker{'' if self.workers == 1 else 's'}"

    @property
    def is_parallel(self) -> bool:
        """Whether two workers could be busy at once."""
        return self.workers >= 2 and self.tasks >= 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed during a call.

    `wall` is its duration, `cpu` the CPU time of this process meanwhile, `elsewhere` the part of it
    in other threads than the calling one, `children` that of processes that it waited for; all in
    seconds.
    """

    pools: tuple[Pool, ...] = ()
    wall: float = 0.0
    cpu: float = 0.0
    elsewhere: float = 0.0
    children: float = 0.0

    @property
    def share_elsewhere(self) -> float:
        """The share of the CPU time in other threads; 0 if that is too short to be measured."""
        return self.elsewhere / self.cpu if self.elsewhere >= LEAST_SECONDS and self.cpu else 0.0

    @property
    def uses_native_threads(self) -> bool:
        """Whether other threads worked although no pool of Python was used."""
        return not self.pools and self.share_elsewhere >= LEAST_SHARE

    @property
    def workers(self) -> int:
        """The most workers of a pool that was used in parallel, 0 if none was."""
        return max((pool.workers for pool in self.pools if pool.is_parallel), default=0)

    def is_parallel(self, reference: Observed) -> bool:
        """Return whether something ran in parallel that did not in the reference.

        Native threads worked in parallel if they used more CPU time than one thread can, or a
        larger share of it than in the reference: BLAS may have threads in both.
        """
        if self.workers:
            return True
        if self.children > max(LEAST_SECONDS, LEAST_SHARE * self.wall) > reference.children:
            return True
        if self.share_elsewhere < LEAST_SHARE:
            return False
        more = self.cpu / self.wall - reference.cpu / reference.wall if reference.wall else 0.0
        return max(more, self.share_elsewhere - reference.share_elsewhere) >= SPREAD

    def describe(self) -> str:
        """Name what was used: `joblib's loky with 2 workers`; empty if nothing was observed."""
        if self.pools:
            return " and ".join(map(str, self.pools[:3]))
        if self.uses_native_threads:
            return f"native threads ({self.share_elsewhere:.0%} of its CPU time)"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """What was observed in the two calls of a case.

    `agrees` are the other runs that differ from the reference, and returned the same as this one.
    """

    actual: Observed
    reference: Observed
    agrees: tuple[str, ...] = ()

    @property
    def is_parallel(self) -> bool:
        """Whether something ran in parallel that did not in the reference."""
        return self.actual.is_parallel(self.reference)
