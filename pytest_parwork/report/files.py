"""Report files: the format that a suffix asks for, written whole or not at all.

It imports little, because the help of every pytest run lists the suffixes. A format is a module of
this folder with a function that yields the text of a file piece by piece, and an entry in the
table.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .data import Report

#: Makes the text of a file from a report.
Format: TypeAlias = "Callable[[Report], Iterable[str]]"


def _json(report: Report) -> Iterable[str]:
    from .as_json import json_pieces

    return json_pieces(report)


#: Each format is imported when a file of its kind is written.
FORMATS: Mapping[str, Format] = {".json": _json}


def format_of(file: Path) -> Format | None:
    """Return the format that the suffix of a file asks for, None for one that is not known.

    Of two suffixes that fit (`.trace.json` and `.json`) the longer one counts.
    """
    ending = "".join(file.suffixes)
    fitting = [suffix for suffix in FORMATS if ending.endswith(suffix)]
    return FORMATS[max(fitting, key=len)] if fitting else None


def obstacle(file: Path) -> str:
    """Return why a file cannot be written, as far as that shows before; empty if it can be."""
    if file.is_dir() and not file.is_symlink():
        return "it is a folder"
    around = next(folder for folder in file.parents if os.path.lexists(folder))
    if not around.is_dir():
        return f"{around} is not a folder"
    if not os.access(around, os.W_OK | os.X_OK):
        return f"the folder {around} is not writable"
    return ""


def write_whole(file: Path, pieces: Iterable[str]) -> None:
    """Write a file from pieces of text, and create its folders; raises `OSError`.

    It is written under another name and renamed, so that nobody reads an incomplete file. A link in
    its place is replaced, because in a folder where others can write, somebody else may have made
    it. An existing file keeps its mode if it belongs to this user. A pipe or a device is written to
    directly.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        there = file.lstat()
    except FileNotFoundError:
        there = None
    if there is not None and not stat.S_ISREG(there.st_mode) and not stat.S_ISLNK(there.st_mode):
        # Wait for a slow reader, but not for one that may never come.
        fd = os.open(file, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
        os.set_blocking(fd, True)
        with open(fd, "w", encoding="utf-8") as special:
            special.writelines(pieces)
        return
    draft = file.with_name(f".parwork-{uuid.uuid4().hex}")
    try:
        with open(draft, "x", encoding="utf-8") as new:  # with the mode that the umask leaves
            new.writelines(pieces)
            if there is not None and stat.S_ISREG(there.st_mode) and _is_ours(there):
                os.chmod(draft, stat.S_IMODE(there.st_mode) & 0o777)
        os.replace(draft, file)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def _is_ours(found: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
