"""What cases have printed, logged and warned in workers, shown where pytest shows its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from warnings import WarningMessage

import pytest

from .._compat import records_of
from ..capture.bounds import HALF, Text, clipped
from ..capture.warned import key_of, warning_of
from ..capturing import log_text
from ..output import Output
from .groups import Case, label

__all__ = ["Showing"]


class Showing:
    """Adds what only the worker said: what the serial run says too is shown once, by pytest."""

    def __init__(self) -> None:
        self._id = ""
        self._is_told = False
        self._known: set[object] = set()

    def begin(self, item: pytest.Item) -> None:
        """Begin with an item."""
        self._id = item.nodeid
        self._is_told = False
        self._known.clear()

    def note(self, warning: WarningMessage, nodeid: str) -> None:
        """Take note of a warning that pytest has recorded."""
        if nodeid == self._id:
            self._known.add(
                key_of(warning.message, warning.category, warning.filename, warning.lineno)
            )

    def add_sections(self, case: Case, report: pytest.TestReport) -> None:
        """Add to the report on a case, and to later ones, what its worker has printed and logged.

        It is known once the case is compared.
        """
        output = case.output
        if output is None or self._is_told:
            return
        self._is_told = True
        when = f"{report.when} ({label(case)})"
        sections = [
            ("stdout", output.out if _is_news(output.out, "stdout", report) else ""),
            ("stderr", output.err if _is_news(output.err, "stderr", report) else ""),
            ("log", log_text(case.item.config, output) if _is_logged_only(case, output) else ""),
        ]
        for key, text in sections:
            if text:
                case.item.add_report_section(when, key, text)
                report.sections.append((f"Captured {key} {when}", text))

    def add_warnings(self, case: Case) -> None:
        """Have pytest record what was warned in the worker alone."""
        output, case.output = case.output, None
        for warned in output.warned if output is not None else ():
            if warned[:4] not in self._known:
                case.item.ihook.pytest_warning_recorded.call_historic(
                    kwargs={
                        "warning_message": warning_of(warned),
                        "when": "runtest",
                        "nodeid": case.item.nodeid,
                        "location": None,
                    }
                )


def _is_news(text: str, key: str, report: pytest.TestReport) -> bool:
    """Return whether the serial run has not printed the same."""
    if not text:
        return False
    here = [told for name, told in report.sections if name.startswith(f"Captured {key} ")]
    return not any(text == told or text in _shortened(told) for told in (*here, "".join(here)))


def _shortened(text: str) -> Sequence[str]:
    """Return a text as workers would have sent it."""
    if len(text) <= HALF:
        return ()
    data, kept = text.encode("utf-8", "replace"), Text()
    kept.write(text)
    return clipped(lambda length, at: data[at : at + length], len(data)), kept.all()


def _is_logged_only(case: Case, output: Output) -> bool:
    """Return whether the serial run has not logged the same."""
    there = [
        entry
        if isinstance(entry, str)
        else tuple(entry.get(key) for key in ("name", "levelno", "pathname", "lineno", "msg"))
        for entry in output.log
    ]
    phases = [
        [(r.name, r.levelno, r.pathname, r.lineno, r.getMessage()) for r in records]
        for records in records_of(case.item).values()
    ]
    return bool(there) and there not in (*phases, list(chain.from_iterable(phases)))
