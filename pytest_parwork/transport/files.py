"""The files of one run, which its workers open by path."""

from __future__ import annotations

import errno
import shutil
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

from ..machine.marks import temporary_folder
from ..machine.system import os
from ..model.errors import ParworkWarning


class Files:
    """The files of one run, which its workers open by path.

    On Linux they have no name and vanish with this process, however it ends. Elsewhere, and with
    `is_named`, they are in a private directory, and need no descriptor each in this process.
    `multiprocessing.shared_memory` is not used, because a process that attaches and exits unlinks
    the block for all.
    """

    def __init__(self, *, is_named: bool = False) -> None:
        self._fds: list[int] = []
        self._directory: Path | None = None
        if is_named or not hasattr(os, "memfd_create"):
            self._directory = Path(temporary_folder("files"))

    @property
    def is_named(self) -> bool:
        """Whether the files have names."""
        return self._directory is not None

    def create(self, name: str, size: int = 0) -> tuple[int, str]:
        """Create a file of `size` zero bytes; return its descriptor here and its path for all."""
        fd = -1
        if self._directory is None:
            try:
                fd = os.memfd_create(f"parwork-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
                path = f"/proc/{os.getpid()}/fd/{fd}"
            except OSError as error:  # some sandboxes do not support it, and there are limits
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    raise  # named files need descriptors, too
                self._directory = Path(temporary_folder("files"))
                warnings.warn(
                    f"the system provides no memory for shared files ({error}), so the data of "
                    f"workers is kept in {self._directory}",
                    ParworkWarning,
                    stacklevel=2,
                )
        if self._directory is not None:
            path = str(self._directory / name)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._fds.append(fd)
        os.ftruncate(fd, size)
        return fd, path

    def keep_size(self, fd: int, *, may_grow: bool = False) -> None:
        """Keep a file from being truncated, where the system supports that.

        A process that reads a mapping beyond the end of its file is killed by SIGBUS.
        """
        self._seal(fd, "F_SEAL_SHRINK", *([] if may_grow else ["F_SEAL_GROW"]))

    def freeze(self, fd: int) -> None:
        """Forbid all further writes to a file, where the system supports that."""
        self._seal(fd, "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE")

    def _seal(self, fd: int, *seals: str) -> None:
        if not hasattr(os, "memfd_create"):
            return
        import fcntl

        with suppress(OSError):  # a file with a name cannot be sealed
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, sum(getattr(fcntl, seal) for seal in seals))

    def close(self) -> None:
        """Remove the files; mapped parts stay readable."""
        while self._fds:
            os.close(self._fds.pop())
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


def unnamed_file(content: bytes) -> int:
    """Write something to an unnamed file, from which its parts are mapped."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("parwork-payload", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile(prefix="parwork-") as file:
            fd = os.dup(file.fileno())
    with open(fd, "wb", closefd=False) as file:
        file.write(content)
    return fd
