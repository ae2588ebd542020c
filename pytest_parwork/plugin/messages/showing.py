"""The output, logs and warnings of cases in workers, shown where pytest shows its own."""

from __future__ import annotations

from collections.abc import Sequence
from warnings import WarningMessage

import pytest

from ...model.output import Output, Warned
from ...model.printable import printable, printable_output
from ...worker.capture.bounds import HALF, Text, clipped
from ...worker.capture.warned import as_shown, key_of, warning_of
from ..cases.groups import Case
from ..compat import records_of
from ..session.capturing import log_text

PHASES = ("setup", "call", "teardown")

#: The phases whose output is shown with the report of each phase.
_UNTIL = {"setup": ("setup",), "call": ("setup", "call"), "teardown": ("teardown",)}


class Showing:
    """Adds output that only the worker had; pytest itself shows that of the serial run."""

    def __init__(self) -> None:
        self._item: pytest.Item | None = None
        self._shown: set[str] = set()
        self._known: set[object] = set()

    def begin(self, item: pytest.Item) -> None:
        """Start with a new item."""
        self._item = item
        self._shown.clear()
        self._known.clear()

    def note(self, warning: WarningMessage, nodeid: str) -> None:
        """Record a warning that pytest will show."""
        if self._item is not None and nodeid == self._item.nodeid:  # which pytest makes each time
            key = key_of(warning.message, warning.category, warning.filename, warning.lineno)
            self._known.add(as_shown(key))

    def add_sections(self, case: Case, report: pytest.TestReport) -> None:
        """Add the worker's output and logs to the report of a phase, once for each phase.

        They are known once the case is compared, mostly in its call.
        """
        output = case.judged.output
        assert output is not None
        for phase in _UNTIL[report.when or "call"]:
            if phase not in self._shown:
                self._shown.add(phase)
                self._add_phase(case, report, phase, output.during(phase))

    def _add_phase(self, case: Case, report: pytest.TestReport, phase: str, output: Output) -> None:
        assert case.judged.output is not None
        sections = {
            "stdout": _only_in_worker("stdout", phase, output.out, case.judged.output.out, report),
            "stderr": _only_in_worker("stderr", phase, output.err, case.judged.output.err, report),
        }
        if output.log and not _is_logged_here(case, phase, output):
            text = log_text(case.item.config, output)
            sections["log"] = _only_in_worker("log", phase, text, text, report)
        when = f"{phase} ({case.side.name})"
        for key, text in sections.items():
            if text:
                text = printable_output(text)
                case.item.add_report_section(when, key, text)
                report.sections.append((f"Captured {key} {when}", text))

    def add_warnings(self, case: Case) -> None:
        """Make pytest record the warnings that only the worker gave."""
        output, case.judged.output = case.judged.output, None
        assert output is not None
        for warned in output.warned:
            if as_shown(warned[:4]) not in self._known:
                case.item.ihook.pytest_warning_recorded.call_historic(
                    kwargs={
                        "warning_message": warning_of(_printable(warned), seconds=case.limit),
                        "when": "runtest",
                        "nodeid": case.item.nodeid,
                        "location": None,
                    }
                )


def _printable(warned: Warned) -> Warned:
    """Return a warning with printable texts; without its object if the text had to change."""
    text, file = printable(warned.text), printable(warned.filename)
    message = warned.message if text == warned.text else b""
    return warned._replace(text=text, filename=file, message=message)


def _only_in_worker(key: str, phase: str, text: str, whole: str, report: pytest.TestReport) -> str:
    """Return the worker's output of a phase, nothing if the serial run printed the same.

    Output that the case did not read from `capsys` is printed at the end of the call here, but in
    the tear-down there. So `whole`, the worker's output of all phases, is compared as well.
    """
    sections = dict(report.sections)
    here = {name: sections.get(f"Captured {key} {name}", "") for name in PHASES}
    everything = "".join(here.values())
    is_known = text == here[phase] or text in _shortened(here[phase]) or whole == everything
    return "" if is_known else text


def _shortened(text: str) -> Sequence[str]:
    """Return a text in the shortened forms in which workers would have sent it."""
    if len(text) <= HALF:
        return ()
    data, kept = text.encode("utf-8", "replace"), Text()
    kept.write(text)
    return clipped(lambda length, at: data[at : at + length], len(data)), kept.all()


def _is_logged_here(case: Case, phase: str, output: Output) -> bool:
    """Return whether the serial run logged the same, as far as pytest still has its records.

    Records are compared instead of texts, which differ if the format includes the time.
    """
    there = [
        entry
        if isinstance(entry, str)
        else tuple(entry.get(key) for key in ("name", "levelno", "pathname", "lineno", "msg"))
        for entry in output.log
    ]
    here = records_of(case.item).get(phase, ())
    return there == [(r.name, r.levelno, r.pathname, r.lineno, r.getMessage()) for r in here]
