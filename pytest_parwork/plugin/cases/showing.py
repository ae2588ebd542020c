"""What cases have printed, logged and warned in workers, shown where pytest shows its own."""

from __future__ import annotations

from collections.abc import Sequence
from warnings import WarningMessage

import pytest

from ...model.output import Output, Warned
from ...model.printable import printable, printable_output
from ...worker.capture.bounds import HALF, Text, clipped
from ...worker.capture.warned import key_of, warning_of
from ..compat import records_of
from ..session.capturing import log_text
from .groups import Case

PHASES = ("setup", "call", "teardown")

#: The phases that the report on each tells of.
_UNTIL = {"setup": ("setup",), "call": ("setup", "call"), "teardown": ("teardown",)}


class Showing:
    """Adds what only the worker said: what the serial run says too is shown once, by pytest."""

    def __init__(self) -> None:
        self._id = ""
        self._told: set[str] = set()
        self._known: set[object] = set()

    def begin(self, item: pytest.Item) -> None:
        """Begin with an item."""
        self._id = item.nodeid
        self._told.clear()
        self._known.clear()

    def note(self, warning: WarningMessage, nodeid: str) -> None:
        """Take note of a warning that pytest has recorded."""
        if nodeid == self._id:
            self._known.add(
                key_of(warning.message, warning.category, warning.filename, warning.lineno)
            )

    def add_sections(self, case: Case, report: pytest.TestReport) -> None:
        """Add to the report on a case, and to later ones, what its worker has printed and logged.

        It is known once the case is compared, mostly in its call.
        """
        if case.judged.output is None:
            return
        for phase in _UNTIL[report.when or "call"]:
            if phase not in self._told:
                self._told.add(phase)
                self._add_phase(case, report, phase, case.judged.output.during(phase))

    def _add_phase(self, case: Case, report: pytest.TestReport, phase: str, output: Output) -> None:
        assert case.judged.output is not None
        sections = {
            "stdout": _news("stdout", phase, output.out, case.judged.output.out, report),
            "stderr": _news("stderr", phase, output.err, case.judged.output.err, report),
        }
        if output.log and not _is_logged_here(case, phase, output):
            text = log_text(case.item.config, output)
            sections["log"] = _news("log", phase, text, text, report)
        when = f"{phase} ({case.side.name})"
        for key, text in sections.items():
            if text:
                text = printable_output(text)
                case.item.add_report_section(when, key, text)
                report.sections.append((f"Captured {key} {when}", text))

    def add_warnings(self, case: Case) -> None:
        """Have pytest record what was warned in the worker alone."""
        output, case.judged.output = case.judged.output, None
        for warned in output.warned if output is not None else ():
            if warned[:4] not in self._known:
                case.item.ihook.pytest_warning_recorded.call_historic(
                    kwargs={
                        "warning_message": warning_of(
                            _printable(warned), seconds=case.plan.timeout
                        ),
                        "when": "runtest",
                        "nodeid": case.item.nodeid,
                        "location": None,
                    }
                )


def _printable(warned: Warned) -> Warned:
    """Return a warning as pytest may show it; its object says the same as its text."""
    text, file = printable(warned.text), printable(warned.filename)
    message = warned.message if text == warned.text else b""
    return warned._replace(text=text, filename=file, message=message)


def _news(key: str, phase: str, text: str, whole: str, report: pytest.TestReport) -> str:
    """Return what a worker has printed in a phase, nothing if the serial run has printed the same.

    What `capsys` has not handed out is printed at the end of the call here, as it is torn down
    there: so `whole`, which is all that the worker has printed, may be the same without phases.
    """
    sections = dict(report.sections)
    here = {name: sections.get(f"Captured {key} {name}", "") for name in PHASES}
    told = "".join(here.values())
    is_known = text == here[phase] or text in _shortened(here[phase]) or whole == told
    return "" if is_known else text


def _shortened(text: str) -> Sequence[str]:
    """Return a text as workers would have sent it."""
    if len(text) <= HALF:
        return ()
    data, kept = text.encode("utf-8", "replace"), Text()
    kept.write(text)
    return clipped(lambda length, at: data[at : at + length], len(data)), kept.all()


def _is_logged_here(case: Case, phase: str, output: Output) -> bool:
    """Return whether the serial run has logged the same, as far as pytest still has its records.

    Two texts may be not the same only because they tell the time.
    """
    there = [
        entry
        if isinstance(entry, str)
        else tuple(entry.get(key) for key in ("name", "levelno", "pathname", "lineno", "msg"))
        for entry in output.log
    ]
    here = records_of(case.item).get(phase, ())
    return there == [(r.name, r.levelno, r.pathname, r.lineno, r.getMessage()) for r in here]
