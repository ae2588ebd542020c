"""The scheduler by which dask computes what code in this process asks for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...model.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

#: The schedulers of dask that need no cluster.
SCHEDULERS = ("threads", "processes")


def require(name: str, module: str) -> None:
    """Raise `UsageError` where the module of dask is missing that an ambient one needs."""
    if find_spec(module) is None:
        raise UsageError(
            f"inside={name!r} needs {module}, which is not installed; "
            f"install it with: pip install {module}"
        )


@contextmanager
def computing(scheduler: str, workers: int) -> Iterator[None]:
    """Compute on so many threads or processes inside the block.

    Threads are a pool of its own: dask would keep its threads until the process ends.
    """
    import dask

    if scheduler == "threads":
        with ThreadPoolExecutor(workers) as pool, dask.config.set(scheduler="threads", pool=pool):
            yield
    else:
        with dask.config.set(scheduler=scheduler, num_workers=workers):
            yield


@contextmanager
def computing_on(client: Client) -> Iterator[None]:
    """Compute on the cluster of a client inside the block."""
    import dask

    with client.as_current(), dask.config.set(scheduler=client):
        yield


@contextmanager
def computing_serially() -> Iterator[None]:
    """Compute in the calling thread inside the block, if dask is installed."""
    if find_spec("dask") is None:
        yield
        return
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield
