"""How the exit of a process is noticed, and named."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from ..model.public import BACKENDS, public

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

#: The start methods whose processes are children of this one, so that `waitpid` reports them.
_CHILDREN = {"fork", "loky", "spawn"}


def hear_of_exit(process: BaseProcess) -> bool:
    """Watch the exit of a started process itself, where the system can; return whether it does.

    multiprocessing and loky wait for the end of a pipe, which all children of the process hold as
    well. When a task leaves a child behind and its worker dies, they would wait for the child.
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
