"""How a library notices that one of its processes has exited, even if others hold its pipe."""

from __future__ import annotations

import os
from multiprocessing import util
from multiprocessing.process import BaseProcess
from typing import Any

#: The start methods whose processes are children of this one, so that `waitpid` reports them.
_CHILDREN = {"fork", "loky", "spawn"}


def hear_of_exit(process: BaseProcess) -> bool:
    """Watch the exit of a started process itself, where the system can; return whether it does.

    multiprocessing and loky wait for the end of a pipe, which all children of the process hold as
    well. When a task leaves a child behind and its worker dies, they would wait for the child.
    """
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
