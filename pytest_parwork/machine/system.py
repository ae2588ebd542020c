"""Modules of the system as they were at import: a case may replace what is in the others.

A test that patches `os.close` or `mmap.mmap` means the code under test. Its outcome is stored, and
is loaded again, while the patch is in place.
"""

from __future__ import annotations

import mmap as mmap
import os as os
import threading as threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

if not TYPE_CHECKING:
    mmap, os, threading = (SimpleNamespace(**vars(module)) for module in (mmap, os, threading))


def is_main_thread() -> bool:
    """Return whether this is the main thread; `threading.current_thread` asks what is patched."""
    return threading.get_ident() == threading.main_thread().ident
