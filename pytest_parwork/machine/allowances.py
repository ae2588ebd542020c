"""What the limits of this process still allow: open files, and address space."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..model.errors import BackendError

MEGABYTE = 1 << 20


def files_left() -> int | None:
    """Return how many more files this process may open, None where the system does not say."""
    limit = _limit("RLIMIT_NOFILE")
    if limit is None:
        return None
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return max(0, limit - len(os.listdir(folder)))
    return 0  # not even one, by which to see


def require_files(count: int, purpose: str) -> None:
    """Raise `BackendError` where `purpose` needs more descriptors than are left.

    A library that runs out of them in the middle of its start may wait for ever.
    """
    free = files_left()
    if free is None or free >= count:
        return
    limit = _limit("RLIMIT_NOFILE")
    raise BackendError(
        f"{purpose} needs some {count} file descriptors, and {free} of {limit} are left: "
        f"raise the limit (ulimit -n)"
    )


def memory_left() -> int | None:
    """Return how many more bytes this process may map, None without a limit or on other systems."""
    limit = _limit("RLIMIT_AS")
    if limit is None:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # not on this system
        return None
    return max(0, limit - pages * os.sysconf("SC_PAGE_SIZE"))


def require_memory(size: int, purpose: str) -> None:
    """Raise `BackendError` where `purpose` maps more bytes than the limit leaves.

    After a MemoryError in the middle of it, pytest itself might not be able to go on.
    """
    free = memory_left()
    if free is None or free >= size:
        return
    limit = (_limit("RLIMIT_AS") or 0) // MEGABYTE
    raise BackendError(
        f"{purpose} needs some {size // MEGABYTE} MB of address space, and {free // MEGABYTE} of "
        f"{limit} MB are left (RLIMIT_AS): raise the limit (ulimit -v)"
    )


def _limit(name: str) -> int | None:
    try:
        import resource
    except ImportError:  # not on this system
        return None
    soft, _ = resource.getrlimit(getattr(resource, name))
    return None if soft == resource.RLIM_INFINITY else soft
