"""Locks on the resources that cases name in `exclusive`, between the processes of pytest-xdist."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import pytest

#: The name of the folder with the lock files in `config.workerinput`.
FOLDER = "parwork_locks"

_FOLDER = pytest.StashKey[str]()
_NOTHING = nullcontext()


def share_folder(node: Any) -> None:
    """Pass a process that is about to start the name of the folder, the same for all of them.

    It does not exist until a case needs it.
    """
    name = f"parwork-locks-{uuid.uuid4().hex}"
    path = node.config.stash.setdefault(_FOLDER, os.path.join(tempfile.gettempdir(), name))
    node.workerinput[FOLDER] = path


def remove_folder(config: pytest.Config) -> None:
    """Remove the folder with its files, if any process has made it."""
    if _FOLDER in config.stash:
        shutil.rmtree(config.stash[_FOLDER], ignore_errors=True)


def holding(config: pytest.Config, names: Collection[str]) -> AbstractContextManager[object]:
    """Hold the locks of these names inside the block; other processes of the session wait.

    There is nothing to hold without pytest-xdist. A process that exits releases its locks.
    """
    folder: str | None = getattr(config, "workerinput", {}).get(FOLDER) if names else None
    return _NOTHING if folder is None else _holding(folder, names)


@contextmanager
def _holding(folder: str, names: Collection[str]) -> Iterator[None]:
    with ExitStack() as held:
        for name in sorted(set(names)):  # everywhere in this order, so that no two wait for ever
            held.callback(os.close, _locked(folder, name))
        yield


def _locked(folder: str, name: str) -> int:
    """Return the descriptor of the lock file of a name, once no other process has locked it."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    file = os.path.join(folder, hashlib.sha256(name.encode("utf-8", "replace")).hexdigest())
    fd = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        import fcntl
    except ImportError:  # not POSIX, where only the cases of one process keep apart
        return fd
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd
