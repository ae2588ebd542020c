"""The guard that ends workers, and everything that they started, even if pytest is killed."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import AbstractContextManager
from multiprocessing.util import Finalize
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import ClassVar

from ..machine.clock import wall
from ..machine.leavings import Leavings
from ..machine.marks import Mark, unmarked
from ..machine.process_groups import born
from ..transport.files import Files

#: The program that outlives pytest. It has no site-packages except the folder of this package, last
#: in its path, and not the project: it starts in 10 ms, not 50.
PROGRAM = "import sys; sys.path.append({home!r}); from {module} import main; main(sys.argv[1:])"

#: The variable by which joblib puts its temporary files elsewhere.
JOBLIB_FOLDER = "JOBLIB_TEMP_FOLDER"

#: Lower than the priority of multiprocessing's own end, -100: the lowest one runs last.
LAST = -1000


class Guard:
    """The mark and the registry of all workers of a session, and a process that outlives pytest.

    The registry and the process start with the first run that needs them.
    """

    _at_exit: ClassVar[Finalize | None] = None  # one, however many sessions a process has

    def __init__(self) -> None:
        self._mark = Mark()
        self._files: Files | None = None
        self._path = ""
        self._has_workers = False
        self._left: Leavings | None = None
        self._process: Popen[bytes] | None = None

    def marking(self) -> AbstractContextManager[None]:
        """Mark all processes that are started inside: they end at the latest with pytest."""
        return self._mark

    def begin(self) -> None:
        """Start the process that outlives pytest, before the first worker is started."""
        if self._process is not None:
            return
        if self._files is None:
            self._files = Files()
        registry, self._path = self._files.create(f"workers-{self._mark.token}")
        self._left = Leavings(
            registry=registry,
            pid=os.getpid(),
            session=os.getsid(0),
            born=born(os.getpid()),
            since=wall() - 1.0,  # clocks of file systems lag behind
            token=self._mark.token,
            folders=(tempfile.gettempdir(), *filter(None, [os.environ.get(JOBLIB_FOLDER)])),
        )
        self._process = _watching(self._left)

    def registry(self) -> str:
        """Return the path of the registry, in which workers enrol themselves."""
        self.begin()
        self._has_workers = True
        return self._path

    def end_workers(self) -> None:
        """End what workers have left, if there were workers since the last call."""
        if self._left is not None and self._has_workers:
            self._left.end_workers()
            self._has_workers = False

    def close(self, *, at_exit: bool = False) -> None:
        """End what workers have left, and the watching process; with `at_exit`, that one last.

        Until Python has exited, this process may be killed, and the files that libraries remove at
        exit would stay.
        """
        self.end_workers()
        if self._left is not None:
            self._left.note_end()
        if self._process is not None:
            self._release(self._process, at_exit=at_exit)
        if self._files is not None:
            self._files.close()
        self._files = self._left = self._process = None
        self._mark.close()

    @classmethod
    def _release(cls, watching: Popen[bytes], *, at_exit: bool) -> None:
        def end() -> None:
            watching.kill()
            watching.wait()

        if cls._at_exit is not None:
            cls._at_exit()
        cls._at_exit = Finalize(None, end, exitpriority=LAST)
        if not at_exit:
            cls._at_exit()


def _watching(left: Leavings, start: type[Popen[bytes]] = Popen) -> Popen[bytes]:
    """Start the process that waits for the end of this one.

    It exists as soon as this function returns, so no handshake is needed: if this process is killed
    before Python has started in the other one, that finds itself without its parent. What is in
    modules, a case may have replaced by now.
    """
    home = str(Path(__file__).parents[2])
    program = PROGRAM.format(home=home, module=Leavings.__module__)
    numbers = (left.registry, left.pid, left.session, left.born, left.since)
    return start(
        [sys.executable, "-I", "-S", "-c", program, *map(str, numbers), left.token, *left.folders],
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        pass_fds=[left.registry],
        start_new_session=True,  # or a signal to the group of pytest would end it too
        cwd="/",
        env=unmarked(),
    )
