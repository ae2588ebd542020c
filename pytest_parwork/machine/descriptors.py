"""How many files this process may still open."""

from __future__ import annotations

import os
from contextlib import suppress

from ..model.errors import BackendError


def left() -> int | None:
    """Return how many more files this process may open, None where the system does not say."""
    limit = _limit()
    if limit is None:
        return None
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return max(0, limit - len(os.listdir(folder)))
    return 0  # not even one, by which to see


def require(count: int, purpose: str) -> None:
    """Raise `BackendError` where `purpose` needs more descriptors than are left.

    A library that runs out of them in the middle of its start may wait for ever.
    """
    free = left()
    if free is None or free >= count:
        return
    raise BackendError(
        f"{purpose} needs some {count} file descriptors, and {free} of {_limit()} are left: "
        f"raise the limit (ulimit -n)"
    )


def _limit() -> int | None:
    try:
        import resource
    except ImportError:  # not on this system
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
