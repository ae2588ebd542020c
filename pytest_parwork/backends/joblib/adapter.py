"""The backends `joblib…`: `joblib.Parallel` with any backend that joblib knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from ...machine.abilities import start_methods
from ...model.errors import UsageError
from ..dask.clusters import Clusters
from ..dask.requirements import missing_distributed, require_distributed
from ..protocol import Backend, Reach, Workers
from . import BUNDLED
from .on_ray import RayBackend


class JoblibBackend:
    """joblib keeps loky's workers, which later runs reuse."""

    def __init__(self, library: str, clusters: Clusters) -> None:
        self._library = library
        self._clusters = clusters
        self._is_used = False

    def named(self, argument: str, /) -> JoblibBackend:
        """Return the backend of a name that joblib knows."""
        known = {*_registered(), "ray"}
        if argument not in known:
            raise UsageError(
                f"unknown backend 'joblib:{argument}'; joblib knows: {', '.join(sorted(known))}"
            )
        return JoblibBackend(argument, self._clusters)

    @property
    def reach(self) -> Reach:
        if self._library == "dask":
            return self._clusters.reach()
        return BUNDLED.get(self._library, "network")

    def obstacle(self) -> str:
        return missing_distributed() if self._library == "dask" else ""

    def start(self, workers: int, /) -> Workers:
        from .parallel import ParallelWorkers, RegisteredWorkers  # a session may not use joblib

        self._check_room()
        self._is_used = True
        if self._library in BUNDLED:
            return ParallelWorkers(workers, self._library)
        if self._library != "dask":
            return RegisteredWorkers(workers, self._library)
        require_distributed()
        joined = self._clusters.joined()
        if joined is not None:
            from .on_joined_dask import OnJoinedDask

            return OnJoinedDask(workers, joined)
        from .on_dask import OnLocalDask

        return OnLocalDask(workers, self._clusters.local)

    def start_early(self, workers: int, arrive: Callable[[], None], /) -> None:
        """Start loky, once; joblib's other backends keep no workers of their own."""
        if self._library != "loky" or self._is_used:
            return
        self._check_room()
        self._is_used = True
        from .loky import start_workers

        start_workers(workers, arrive)

    @contextmanager
    def ambient(self, workers: int, /) -> Iterator[None]:
        """Have `joblib.Parallel` use it inside the block."""
        self._check_room()
        self._is_used = True
        from .ambient import calling

        with ExitStack() as around:
            if self._library == "dask":
                require_distributed()
                from ..dask.ambient import computing_on

                around.enter_context(computing_on(self._clusters.client(workers)))
            around.enter_context(calling(self._library, workers))
            yield

    def close(self) -> None:
        if self._is_used and self._library == "loky":
            from ...machine.contexts import is_measured
            from .parallel import end_loky

            end_loky(at_leisure=is_measured())  # that takes 0.2 s longer
        if self._is_used and self._library == "dask":
            self._clusters.close()
        self._is_used = False

    def _check_room(self) -> None:
        """Raise `OSError` where a full /dev/shm has no room for the locks of processes.

        joblib would use threads instead, or run all tasks in the calling thread.
        """
        import multiprocessing  # here, because to list backends needs none

        needs_locks = self._library in {"loky", "multiprocessing"}
        if needs_locks and "fork" in start_methods():
            multiprocessing.get_context("fork").Lock()


def _registered() -> list[str]:
    """Return the names of joblib's backends, for which it has no function."""
    from joblib import parallel

    return [*parallel.BACKENDS, *parallel.EXTERNAL_BACKENDS]


def backends(clusters: Clusters) -> dict[str, Backend]:
    """Return the backends by name; `joblib` without a suffix is loky."""
    loky = JoblibBackend("loky", clusters)
    return {
        "joblib": loky,
        "joblib:loky": loky,
        "joblib:threading": JoblibBackend("threading", clusters),
        "joblib:multiprocessing": JoblibBackend("multiprocessing", clusters),
        "joblib:dask": JoblibBackend("dask", clusters),
        "joblib:ray": RayBackend(),
    }
