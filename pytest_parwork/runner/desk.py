"""What a run is carried out with: the call for each batch, the ledger, the files."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..backends.protocol import Reach, Workers
from ..model.errors import PayloadError
from ..model.output import Capture
from ..model.work import Workload
from ..transport.ledger import Files, Ledger
from ..transport.modules import ModuleTable
from ..transport.payload import Payload
from ..transport.sources import Selection, Sendable, select
from ..transport.spool import Spool
from ..worker.calling import BatchCall
from ..worker.capture.files import OutputFiles
from ..worker.copies import copy_arguments
from ..worker.network import NetworkCall
from ..worker.processes import ProcessCall
from ..worker.threads import ThreadCall
from .guard import Guard
from .inbox import Inbox

__all__ = ["RENDEZVOUS", "Desk", "prepare"]

#: Seconds that the first worker waits for the others. Missing workers cost exactly this.
RENDEZVOUS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a run is carried out with, where memory is shared and where it is not.

    `refused` are the tasks that cannot be sent, `spools` and `stacks` descriptors of files, `inbox`
    is where outcomes come in that are sent. `outputs` are the files that workers print to.
    `selection` is what is sent of the project, where the workers have none of its files.
    """

    call: BatchCall
    ledger: Ledger
    refused: Mapping[int, PayloadError]
    files: Files | None = None
    spools: tuple[int, ...] = ()
    stacks: int | None = None
    inbox: Inbox | None = None
    outputs: OutputFiles | None = None
    selection: Selection | None = None


def prepare(
    workload: Workload,
    workers: Workers,
    reach: Reach,
    modules: ModuleTable,
    sendable: Sendable,
    threads: int,
    guard: Guard | None,
    capture: Capture | None,
) -> Desk:
    patience = 2 * RENDEZVOUS  # the runner decides; this is for the case that it is gone
    if reach == "process":
        ledger = Ledger(bytearray(Ledger.size(len(workload.tasks))))
        ledger.sign()
        arguments = copy_arguments(workload.tasks)
        if capture is not None and not capture.from_threads:
            capture = None
        call = ThreadCall(
            workload.tasks, arguments, ledger, patience=patience, threads=threads, capture=capture
        )
        return Desk(call=call, ledger=ledger, refused={})
    files = Files()
    is_apart = reach == "network"
    selection: Selection | None = None
    # A successor may start before a dead worker is gone.
    places = 1 if is_apart else 2 * workers.size + 2
    outputs: OutputFiles | None = None
    if is_apart:
        selection = select(modules, sendable)
        modules = selection.modules
    try:
        if capture is not None and capture.streams and not is_apart:
            outputs = OutputFiles(places)
        payload, ledger, spools = Payload.write(
            workload.tasks,
            files,
            run=uuid.uuid4().hex,
            spools=places,
            modules=modules,
            threads=threads,
            patience=patience,
            registry=guard.registry() if guard is not None and not is_apart else None,
            capture=capture,
            outputs=outputs.paths if outputs is not None else (),
        )
        content = Path(payload.handle.path).read_bytes() if is_apart else b""
    except BaseException:
        files.close()
        if outputs is not None:
            outputs.close()
        raise
    if selection is not None:
        limits = {n: task.timeout for n, task in enumerate(workload.tasks) if task.timeout}
        return Desk(
            call=NetworkCall(payload.handle, content, selection.sources, timeouts=limits),
            ledger=ledger,
            refused=payload.refused,
            files=files,
            spools=tuple(spools),
            inbox=Inbox(ledger, Spool(0, spools[0])),
            selection=selection,
        )
    return Desk(
        call=ProcessCall(
            payload.handle, {n: task for n, task in enumerate(workload.tasks) if task.is_inherited}
        ),
        ledger=ledger,
        refused=payload.refused,
        files=files,
        spools=tuple(spools),
        stacks=payload.stacks,
        outputs=outputs,
    )
