"""The dask clusters of a session: the local one, and existing ones that are joined."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from ...model.errors import BackendError
from ..protocol import Reach
from .logs import Hush

if TYPE_CHECKING:
    from distributed import Client

    from .joined import JoinedDask
    from .local import LocalDask


class Clusters:
    """The clusters of a session: at most one local cluster, and those that are joined."""

    def __init__(self) -> None:
        self._hush = Hush()
        self._joined: dict[str, JoinedDask] = {}
        self._local: LocalDask | None = None

    @property
    def local(self) -> LocalDask:
        """The local cluster, which may not be started yet."""
        if self._local is None:
            from .local import LocalDask

            self._local = LocalDask(self._hush)
        return self._local

    def joined(self, address: str | None = None) -> JoinedDask | None:
        """Return the cluster at `address`, or the configured one; None if there is none."""
        from .joined import JoinedDask, configured_address

        address = address or configured_address()
        if address is None:
            return None
        if address not in self._joined:
            self._joined[address] = JoinedDask(address, self._hush)
        return self._joined[address]

    def client(self, workers: int, address: str | None = None) -> Client:
        """Return a client of the cluster at `address`, of the configured one or the local one."""
        joined = self.joined(address)
        return joined.client(workers) if joined is not None else self.local.client(workers)

    def reach(self, address: str | None = None) -> Reach:
        """Return the reach of the joined cluster, or else that of the local one."""
        from .joined import configured_address

        with suppress(BackendError):  # dask is missing, which is reported when it has to start
            address = address or configured_address()
        return "machine" if address is None else "network"

    def close(self) -> None:
        """End the local cluster, leave the others."""
        with ExitStack() as closing:  # Ctrl-C in one keeps no other from it
            if self._local is not None:
                closing.callback(self._local.close)
            closing.callback(self._joined.clear)
            for joined in self._joined.values():
                closing.callback(joined.close)
