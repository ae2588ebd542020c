"""What stands in for `tmp_path` and `tmp_path_factory`: a folder for every case and leg."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from ..clock import host
from ..marks import temporary_folder

__all__ = ["Folders", "new_folder", "new_folders"]


def new_folder(wanted: str, home: tuple[str, int], is_kept: Callable[[], bool]) -> Iterator[Path]:
    """Yield an empty folder: the one that was wanted if that is free, else one beside it.

    Elsewhere than on the machine of `home` it is a temporary one. It is removed there, and where
    it is not to be kept.
    """
    is_home = home[0] == host() and os.path.isdir(os.path.dirname(wanted))
    folder = _make_free(wanted) if is_home else _temporary()
    yield folder
    if not is_home or not is_kept():
        shutil.rmtree(folder, ignore_errors=True)


def new_folders(
    wanted: str, home: tuple[str, int], is_kept: Callable[[], bool]
) -> Iterator[Folders]:
    """Yield what makes folders below one of its own."""
    for folder in new_folder(wanted, home, is_kept):
        yield Folders(folder)


class Folders:
    """Makes folders, as pytest's `tmp_path_factory` does."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def getbasetemp(self) -> Path:
        """Return the folder around all others: that of the case, here."""
        return self._base

    def mktemp(self, basename: str, numbered: bool = True) -> Path:
        """Make a folder of that name, with a number behind it."""
        if Path(basename).name != basename:
            raise ValueError(f"{basename} is not a normalized and relative path")
        if not numbered:
            folder = self._base / basename
            folder.mkdir(mode=0o700)
            return folder
        return _make_free(os.path.join(self._base, basename), first=0)


def leaf(name: str) -> str:
    """Return the name of a case as that of a folder, as pytest's `tmp_path` has it."""
    return re.sub(r"[\W]", "_", name)[:30]


def _make_free(wanted: str, *, first: int | None = None) -> Path:
    """Make a folder: a second try of the same case must not find what the first one left."""
    names = (wanted if n is None else f"{wanted}{n}" for n in _numbers(first))
    for name in names:
        try:
            os.mkdir(name, mode=0o700)
        except FileExistsError:
            continue
        return Path(name)
    raise AssertionError("the numbers have no end")


def _temporary() -> Path:
    return Path(temporary_folder("cases")).resolve()


def _numbers(first: int | None) -> Iterator[int | None]:
    if first is None:
        yield None
    yield from count(first or 0)
