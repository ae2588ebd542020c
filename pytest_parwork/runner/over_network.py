"""Workers anywhere, which share nothing with this process, and are sent all they need."""

from __future__ import annotations

import pickle
import sys
import uuid
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import cast

from ..backends.protocol import NetworkWorkers, Workers
from ..machine.clock import now
from ..model.work import Batch, Task
from ..transport.files import Files
from ..transport.ledger import Ledger
from ..transport.notes import Entry
from ..transport.payload import Header, Payload
from ..transport.sources import Selection, select
from ..transport.spool import Spool
from ..worker.network import NetworkCall
from .inbox import Inbox
from .medium import PATIENCE, Medium, Setting
from .on_machine import StoredTasks
from .spooled import Spooled


class SentTasks:
    """The payload and the selection of the project's files, in memory."""

    def __init__(self, setting: Setting) -> None:
        request = setting.request
        self._selection = select(request.modules, request.sendable)
        files = Files()
        try:
            self._payload = Payload.write(request.workload.tasks, files)
            self._content = Path(self._payload.path).read_bytes()
            self._is_named = files.is_named  # if the system has no memory for unnamed ones
        finally:
            files.close()
        self.unavailable: Mapping[int, str] = {
            number: why.detail for number, why in self._payload.rejected.items()
        }

    def medium(self, setting: Setting, tasks: Sequence[int]) -> OverNetwork:
        """Return the medium for a run of these tasks."""
        files = Files(is_named=self._is_named)
        payload = self._payload.excerpt(tasks)
        return OverNetwork(setting, payload, self._content, self._selection, files)

    def stored(self, tasks: Sequence[Task]) -> StoredTasks:
        """Return the tasks in a file of this machine."""
        return StoredTasks.copy(self._payload, self._content, tasks)

    def close(self) -> None:
        """Free the payload."""
        self._content = b""


class OverNetwork(Medium):
    """Outcomes arrive as messages; they are stored here as on one machine, in ledger and spool."""

    #: A cluster blames all batches of a worker for its death.
    most_ahead = 2
    is_apart = True

    def __init__(
        self,
        setting: Setting,
        payload: Payload,
        content: bytes,
        selection: Selection,
        files: Files,
    ) -> None:
        request = setting.request
        tasks = request.workload.tasks
        self.ledger = self.settled = Ledger(bytearray(Ledger.size(len(tasks))))
        self.ledger.sign()
        self.recent = set()
        self.rejected = payload.rejected
        self.sent, self.withheld = selection.sent, selection.withheld
        header = Header(
            contents=payload.contents,
            modules=selection.modules,
            rewritten={n: c for n, c in request.rewritten.items() if n in selection.modules},
            path=tuple(sys.path),
            threads=setting.threads,
            patience=PATIENCE,
            capture=request.capture,
            around=request.around,
        )
        self.call = NetworkCall(
            uuid.uuid4().hex,
            pickle.dumps(header, protocol=5),
            content,
            selection.sources,
            timeouts={n: task.timeout for n, task in enumerate(tasks) if task.timeout},
        )
        self._files = files
        try:
            self._spool, _ = self._files.create("spool")
            self._inbox = Inbox(self.ledger, Spool(0, self._spool))
        except BaseException:
            self.close()
            raise

    def release(self, workers: Workers) -> None:
        """Release the workers that wait for the others."""
        super().release(workers)
        cast("NetworkWorkers", workers).release()

    def arrive(self, batch: Batch, worker: str) -> None:
        """Note that a worker has received a batch."""
        self.ledger.arrive(batch.tasks[0], self._inbox.number(worker), now())

    def has_served(self, worker: str) -> bool:
        """Return whether a worker has sent an outcome."""
        return self._inbox.has_served(worker)

    def take(self, body: bytes) -> Sequence[Entry]:
        """Store the outcomes in a message; return the entries of tasks without an outcome."""
        return self._inbox.take(body) if body else ()

    def settle(self, lost: Collection[int]) -> None:
        """Correct the times of other machines."""
        self._inbox.settle()

    def results(self) -> Spooled:
        """Return the outcomes in the spool."""
        return Spooled(self.settled, [self._spool], self._files)

    def close(self) -> None:
        """Remove the spool."""
        self._files.close()
