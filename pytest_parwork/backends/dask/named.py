"""The backend `dask`: a cluster of `dask.distributed`, of our own or one that is joined."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager

from ...model.errors import UsageError
from ..protocol import Backend, Reach, Workers
from .clusters import Clusters
from .requirements import missing_distributed


class DaskBackend:
    """The cluster that `Client()` would join, or the one at `address`; else one of our own."""

    def __init__(self, clusters: Clusters, address: str | None = None) -> None:
        self._clusters = clusters
        self._address = address

    def named(self, argument: str, /) -> DaskBackend:
        """Return the backend of a scheduler's address, as in `dask:tcp://host:8786`."""
        if not re.search(r"://|:\d+$", argument):
            raise UsageError(
                f"unknown backend 'dask:{argument}'; after the colon comes the address of a "
                f"scheduler: dask:tcp://host:8786"
            )
        return DaskBackend(self._clusters, argument)

    @property
    def reach(self) -> Reach:
        return self._clusters.reach(self._address)

    def obstacle(self) -> str:
        return missing_distributed()

    def start(self, workers: int, /) -> Workers:
        joined = self._clusters.joined(self._address)
        if joined is not None:
            from .adapter import JoinedWorkers

            return JoinedWorkers(joined, workers)
        from .own import LocalWorkers

        return LocalWorkers(self._clusters.local, workers)

    def ambient(self, workers: int, /) -> AbstractContextManager[None]:
        """Have dask compute on the cluster inside the block."""
        from .ambient import computing_on

        return computing_on(self._clusters.client(workers, self._address))

    def close(self) -> None:
        self._clusters.close()


def backends(clusters: Clusters) -> dict[str, Backend]:
    """Return the backend by name."""
    return {"dask": DaskBackend(clusters)}
