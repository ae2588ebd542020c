"""Many questions in one test, where a test for each would take longer than its question."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import TypeVar

import pytest

Row = TypeVar("Row")

#: So many wrong rows are shown with a traceback, the others by name.
SHOWN = 5


def check_each(rows: Mapping[str, Row], check: Callable[[Row], None]) -> None:
    """Call a function with every row; fail with the names of all rows for which it raises."""
    assert rows
    wrong = {}
    for name, row in rows.items():
        try:
            check(row)
        except Exception as error:
            wrong[name] = "".join(traceback.format_exception(error))
    if wrong:
        shown = [f"{name!r}: {text}" for name, text in list(wrong.items())[:SHOWN]]
        names = f"{len(wrong)} of {len(rows)} rows are wrong: {list(wrong)}"
        pytest.fail("\n".join([*shown, names]), pytrace=False)
