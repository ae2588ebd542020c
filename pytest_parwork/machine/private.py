"""Private files and folders inside folders to which other users of the machine can write."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def open_folder(path: Path) -> int:
    """Open a folder that only we can use, and that is no link; raises `OSError` for any other."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    found = os.fstat(fd)
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        os.close(fd)
        raise PermissionError(f"{path} may have been made by another user")
    return fd


def open_own(name: str, folder: int, flags: int = os.O_RDONLY) -> int:
    """Open a file that only we can have written; raises `OSError` for any other.

    Rejects a file with a second name, which may be in a folder to which others can write, and a
    pipe, which would block.
    """
    fd = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    found = os.fstat(fd)
    is_ours = found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o022
    if not (is_ours and stat.S_ISREG(found.st_mode) and found.st_nlink == 1):
        os.close(fd)
        raise PermissionError(f"{name} may have been written by another user")
    return fd
