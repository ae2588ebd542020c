"""What a run is carried out with: the call for each batch, the ledger, the files."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from ..backends.base import Workers
from ..errors import PayloadError
from ..ledger import Files, Ledger
from ..model import Workload
from ..modules import ModuleTable
from ..payload import Payload, copy_arguments
from ..worker import BatchCall, ProcessCall, ThreadCall
from .guard import Guard
from .watch import RENDEZVOUS

__all__ = ["Desk", "prepare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a run is carried out with, where memory is shared and where it is not.

    `refused` are the tasks that cannot be sent, `spools` and `stacks` descriptors of the files.
    """

    call: BatchCall
    ledger: Ledger
    refused: Mapping[int, PayloadError]
    files: Files | None = None
    spools: tuple[int, ...] = ()
    stacks: int | None = None


def prepare(
    workload: Workload,
    workers: Workers,
    modules: ModuleTable,
    threads: int,
    guard: Guard | None,
) -> Desk:
    patience = 2 * RENDEZVOUS  # the runner decides; this is for the case that it is gone
    if workers.reach == "process":
        ledger = Ledger(bytearray(Ledger.size(len(workload.tasks))))
        arguments = copy_arguments(workload.tasks)
        call = ThreadCall(workload.tasks, arguments, ledger, patience=patience, threads=threads)
        return Desk(call=call, ledger=ledger, refused={})
    files = Files()
    try:
        payload, ledger, spools = Payload.write(
            workload.tasks,
            files,
            run=uuid.uuid4().hex,
            spools=2 * workers.size + 2,  # a successor may start before a dead worker is gone
            modules=modules,
            threads=threads,
            patience=patience,
            registry=guard.registry() if guard is not None else None,
        )
    except BaseException:
        files.close()
        raise
    return Desk(
        call=ProcessCall(payload.handle),
        ledger=ledger,
        refused=payload.refused,
        files=files,
        spools=tuple(spools),
        stacks=payload.stacks,
    )
