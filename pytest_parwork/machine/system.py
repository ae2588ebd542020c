"""Modules of the system as they were at import: a case may replace what is in the others.

A test that patches `os.close` or `mmap.mmap` means the code under test. Its outcome is stored, and
is loaded again, while the patch is in place.
"""

from __future__ import annotations

import mmap as mmap
import os as os
import threading as threading
from types import SimpleNamespace

TYPE_CHECKING = False  # see the package's `__init__`

_OS = os

if not TYPE_CHECKING:
    mmap, os, threading = (SimpleNamespace(**vars(module)) for module in (mmap, os, threading))


#: Systems without threads have no ids of their own for them.
_ID = "native_id" if hasattr(threading, "get_native_id") else "ident"


def thread_id() -> int:
    """Return the id of this thread, as the system has it if possible."""
    return threading.get_native_id() if _ID == "native_id" else threading.get_ident()


def id_of(thread: threading.Thread) -> int | None:
    """Return the id of a thread, as `thread_id` does in it."""
    found: int | None = getattr(thread, _ID)
    return found


def is_main_thread() -> bool:
    """Return whether this is the main thread; `threading.current_thread` asks what is patched."""
    return threading.get_ident() == threading.main_thread().ident


def restore_exit() -> None:
    """Restore `os._exit`, if a case has replaced it: forked processes end by it.

    One that does not end returns from the fork, as a copy of the process that runs pytest.
    """
    if _OS._exit is not os._exit:
        _OS._exit = os._exit
