"""The formats of report files by suffix; light, for every pytest run.

A format is a module beside this one with a function that yields the text of a file piece by piece,
and an entry in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .data import Report

__all__ = ["FORMATS", "Format", "format_of"]

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
