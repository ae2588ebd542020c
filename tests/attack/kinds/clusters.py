"""Cases that turn against the dask cluster that runs them."""

from __future__ import annotations

from functools import partial

from .kind import Kind, kind

__all__ = ["KINDS"]

#: The case keeps its result, or is lost with its worker; no other case is affected.
LOST = ("EQUAL", "LOST crash: left the cluster|exit code|no longer responded|SIGKILL")

#: Without any worker, or without a scheduler, there is nobody who could run the others.
NOBODY = ("LOST: no worker left|went away", "NOT_SENT: no worker left|went away")

against = partial(kind, "clusters", needs="distributed")

WORKER = "from distributed import get_worker\nworker = get_worker()\n"

KINDS: tuple[Kind, ...] = (
    against("worker-closes", f"{WORKER}worker.loop.add_callback(worker.close)", *LOST, only="dask"),
    against(
        "worker-closes-and-works-on",
        f"{WORKER}worker.loop.add_callback(worker.close)\ntime.sleep(2)",
        *LOST,
        only="dask",
    ),
    against(
        "worker-shuts-its-executor-down",
        f"{WORKER}worker.executor.shutdown(wait=False)",
        *LOST,
        only="dask",
    ),
    against(
        "loop-stopped",
        f"{WORKER}worker.loop.asyncio_loop.call_soon_threadsafe(worker.loop.asyncio_loop.stop)",
        *LOST,
        only="dask",
    ),
    against(
        "loop-blocked",
        f"{WORKER}worker.loop.add_callback(time.sleep, 600)",
        *LOST,
        only="dask",
        patience=6.0,
    ),
    against(
        "connections-aborted",
        f"""
{WORKER}
for comm in list(worker._comms) + list(worker.rpc.occupied) + list(worker.stream_comms.values()):
    with suppress(Exception):
        worker.loop.add_callback(comm.abort)
worker.loop.add_callback(worker.batched_stream.comm.abort)
""",
        *LOST,
        only="dask",
    ),
    against(
        "nanny-killed",
        "os.kill(os.getppid(), signal.SIGKILL)",
        *LOST,
        own=NOBODY,
        spoils=NOBODY,
        only="joined",
        patience=25.0,
        leaves="cluster/parwork-run-",
    ),
    against(
        "cluster-shut-down",
        "from distributed import get_client\nget_client().shutdown()",
        *LOST,
        own=NOBODY,
        spoils=NOBODY,
        only="joined",
        patience=25.0,
        leaves="cluster/parwork-run-",
    ),
)
