"""Report files: the format that a suffix asks for, written whole or not at all.

It imports little, because the help of every pytest run lists the suffixes. A format is a module of
this folder with a function that yields the text of a file piece by piece, and an entry in the
table.
"""

from __future__ import annotations

import os
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..model.dataclass import dataclass
from ..model.errors import UsageError

if TYPE_CHECKING:
    from .data import Report

#: Makes the text of a file from a report.
Format: TypeAlias = "Callable[[Report], Iterable[str]]"


def _json(report: Report) -> Iterable[str]:
    from .as_json import json_pieces

    return json_pieces(report)


def _markdown(report: Report) -> Iterable[str]:
    from .as_markdown import markdown_pieces

    return markdown_pieces(report)


def _trace(report: Report) -> Iterable[str]:
    from .as_trace import trace_pieces

    return trace_pieces(report)


def _html(report: Report) -> Iterable[str]:
    from .as_html import html_pieces

    return html_pieces(report)


#: Each format is imported when a file of its kind is written.
FORMATS: Mapping[str, Format] = {
    ".json": _json,
    ".html": _html,
    ".md": _markdown,
    ".trace.json": _trace,
}

#: The library that a format needs, and the extra that installs it.
NEEDS = {".html": ("jinja2", "html")}

#: The name that stands for the summary of a job of GitHub Actions, and the variable of its file.
GITHUB, SUMMARY = "github", "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A report to be written: where, and how; `is_added` to what is there already."""

    path: Path
    form: Format
    is_added: bool = False

    def write(self, report: Report) -> None:
        """Write the report; raises `OSError`."""
        if self.is_added:
            add_to(self.path, self.form(report))
        else:
            write_whole(self.path, self.form(report))


def target_of(name: str, folder: Path, environment: Mapping[str, str]) -> Target:
    """Return the target that a name stands for; raises `UsageError` for one that is not known.

    Of two suffixes that fit (`.trace.json` and `.json`) the longer one counts.
    """
    if name == GITHUB:
        if not environment.get(SUMMARY):
            raise UsageError(
                f"--parwork-report={GITHUB}: the variable {SUMMARY} is not set, as it is in GitHub "
                "Actions; give a file, such as report.md"
            )
        return Target(path=Path(environment[SUMMARY]), form=_markdown, is_added=True)
    file = folder / name
    ending = "".join(file.suffixes).lower()
    fitting = [suffix for suffix in FORMATS if ending.endswith(suffix)]
    if fitting:
        suffix = max(fitting, key=len)
        library, extra = NEEDS.get(suffix, ("", ""))
        if library and find_spec(library) is None:
            raise UsageError(
                f"--parwork-report={name}: {suffix} needs {library}, which is not installed: "
                f'pip install "pytest-parwork[{extra}]"'
            )
        return Target(path=file, form=FORMATS[suffix])
    if os.path.isdir(file):
        raise UsageError(f"--parwork-report={name} cannot be written: it is a folder")
    known = ", ".join(FORMATS)
    raise UsageError(f"--parwork-report={name}: the suffix must be one of: {known}; or {GITHUB}")


def obstacle(file: Path) -> str:
    """Return why a file cannot be written, as far as that shows before; empty if it can be."""
    try:
        if stat.S_ISDIR(os.lstat(file).st_mode):
            return "it is a folder"
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        return error.strerror or str(error)
    around = next(folder for folder in file.parents if os.path.lexists(folder))
    if not os.path.isdir(around):
        return f"{around} is not a folder"
    if not os.access(around, os.W_OK | os.X_OK):
        return f"the folder {around} is not writable"
    try:
        # Permissions are not all: /proc, a full disk, and for root nearly everything.
        tempfile.TemporaryFile(dir=around).close()
    except OSError as error:
        return f"the folder {around} is not writable: {error.strerror}"
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


def add_to(file: Path, pieces: Iterable[str]) -> None:
    """Append pieces of text to a file that another program owns; raises `OSError`."""
    with open(file, "a", encoding="utf-8") as opened:
        opened.writelines(pieces)


def _is_ours(found: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
