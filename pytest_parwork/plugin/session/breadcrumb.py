"""The name of the result that was being loaded, reported even if loading it ends pytest.

Loading a result runs code of its classes, which may end the process: by `os._exit`, or by a crash
in C. This process cannot report that any more. Run as a program, this module waits for the exit of
the process that started it, and reports the result which that was loading.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from subprocess import DEVNULL, Popen
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

    from ...transport.files import Files

#: Bytes of the file that both processes share: the length of a text, and the text.
SIZE = 1 << 12
_HEAD = 8

#: Seconds between two checks of the parent, if the system cannot notify of its exit.
GLANCE = 0.2

MESSAGE = (
    "\npytest ended while the result of {} was being loaded: "
    "code of its class exited or crashed the process\n"
)


class Breadcrumb:
    """Records the name of the result being loaded for another process, which outlives this one.

    That process is started for the first result that may run code. `outside` is a context in which
    standard error is the user's terminal.
    """

    #: Not in the module: pytest-subprocess replaces it in all modules while a case runs.
    _start = Popen

    def __init__(self, outside: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self._outside = outside
        self._files: Files | None = None
        self._view: mmap.mmap | None = None
        self._process: Popen[bytes] | None = None

    @contextmanager
    def loading(self, name: str) -> Iterator[None]:
        """Record inside the block that the result of that name is being loaded."""
        if self._view is None:
            self._begin()
        assert self._view is not None
        text = name.encode(errors="replace")[: SIZE - _HEAD]
        self._view[_HEAD : _HEAD + len(text)] = text
        self._view[:_HEAD] = len(text).to_bytes(_HEAD, sys.byteorder)
        try:
            yield
        finally:
            self._view[:_HEAD] = bytes(_HEAD)

    def _begin(self) -> None:
        # Not above: the program is not in the package.
        from ...machine.marks import unmarked
        from ...machine.system import mmap, os
        from ...transport.files import Files

        self._files = Files()
        fd, _ = self._files.create("breadcrumb", SIZE)
        self._view = mmap.mmap(fd, SIZE)
        if not hasattr(os, "fork"):  # Windows, where a process cannot inherit a file by its number
            return
        with self._outside():
            self._process = self._start(
                # Without site-packages and the project, which it does not need: 10 ms, not 50.
                [sys.executable, "-I", "-S", __file__, str(fd), str(os.getpid())],
                stdin=DEVNULL,
                stdout=DEVNULL,
                pass_fds=[fd],
                start_new_session=True,  # or a signal to pytest's process group would end it too
                cwd="/",
                env=unmarked(),  # or it would be ended as a process that pytest left behind
            )

    def close(self) -> None:
        """End the watching process: this one exits normally."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._view is not None:
            self._view.close()
        if self._files is not None:
            self._files.close()
        self._files = self._view = self._process = None


def main(fd: int, parent: int) -> None:
    """Wait for the exit of `parent`, then report the result that it was loading, if any."""
    try:
        end = os.pidfd_open(parent)
        while os.getppid() == parent and not select.select([end], [], [], 60.0)[0]:
            pass
    except (AttributeError, OSError):  # not Linux, or an old kernel
        while os.getppid() == parent:
            time.sleep(GLANCE)
    data = os.pread(fd, SIZE, 0)
    length = int.from_bytes(data[:_HEAD], sys.byteorder)
    if length:
        name = data[_HEAD : _HEAD + length].decode(errors="replace")
        os.write(2, MESSAGE.format(name).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
