"""How the exit of a process is noticed, and named."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from ..model.public import BACKENDS, public

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

#: The start methods whose processes are children of this one, of which it is told by `waitpid`.
_CHILDREN = {"fork", "loky", "spawn"}


def hear_of_exit(process: BaseProcess) -> bool:
    """Have a started process watched by itself, where the system can; return whether it is.

    multiprocessing and loky wait for the end of a pipe, which everything holds that the process has
    forked: a task that leaves a child behind and dies is waited for as long as the child lives.
    """
    from multiprocessing import util  # here, because many only name an exit code

    popen: Any = process._popen  # type: ignore[attr-defined]  # the only way to it
    if getattr(popen, "is_heard_of", False):
        return True
    if popen is None or popen.method not in _CHILDREN or popen.returncode is not None:
        return False
    try:
        end = os.pidfd_open(popen.pid)
    except (AttributeError, OSError):  # not on this system
        return False
    util.Finalize(popen, os.close, (end,))
    popen.sentinel = process._sentinel = end  # type: ignore[attr-defined]  # see above
    popen.is_heard_of = True
    return True


@public(BACKENDS)
def exit_name(code: int) -> str:
    """Name an exit code: `SIGSEGV (signal 11)`, `exit code 3`."""
    if code < 0:
        try:
            return f"{signal.Signals(-code).name} (signal {-code})"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
