"""Reports in, terminal section and files out; light, for every pytest run."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from ...machine.interrupts import Deferral
from ...model.printable import printable
from ..config.options import is_all, why_serial

if TYPE_CHECKING:
    from ...report.data import Report, RunEntry
    from ...report.files import Target

#: The name under which the plugin is registered.
REPORTING = "parwork-reporting"

#: The same of the one that works for cases and calls.
RUNNING = "parwork-running"

#: The same of the one that only adds tables.
TABLES = "parwork-tables"

#: The serialised runs of the calls inside a test, which its report carries.
CALLS = pytest.StashKey[list[dict[str, Any]]]()

#: The attribute of a test report with the entry of a plain test, as plain values.
PLAIN_ATTRIBUTE = "parwork_plain"


def report_runs(config: pytest.Config, parts: Iterable[RunEntry]) -> None:
    """Submit parts of runs that no test report carries; dropped in the processes of xdist."""
    reporting = config.pluginmanager.get_plugin(REPORTING)
    if isinstance(reporting, Reporting):
        reporting.add(parts)


def defer_interrupts(config: pytest.Config) -> None:
    """Defer Ctrl-C until the report is written, which begins now."""
    reporting = config.pluginmanager.get_plugin(REPORTING)
    if isinstance(reporting, Reporting):
        reporting.deferral.begin()


#: The module of what `compare` returns.
_COMPARISON = "pytest_parwork.model.comparison"


def add_table(call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Add the table of mismatches to the report of a failed `assert compare(a, b)`.

    pytest shows an object in an assertion on one line of 240 characters. It keeps the object itself
    in a local variable of the frame.
    """
    error = call.excinfo.value if call.excinfo is not None else None
    if not isinstance(error, AssertionError) or _COMPARISON not in sys.modules:
        return
    from ...model.comparison import Comparison

    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    text = str(error)
    for found in frames.tb_frame.f_locals.values() if frames is not None else ():
        # Of a longer one, pytest shows the start and the end.
        if type(found) is Comparison and not found and repr(found)[:60] in text:
            report.sections.append(("parwork: compare", printable(str(found))))
            return


class Tables:
    """A plugin that adds tables in sessions without work for the plugin of cases, which does so."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the table to the report."""
        report = yield
        if call.excinfo is not None:
            add_table(call, report)
        return report


class Reporting:
    """A plugin of the process that shows results: it gathers what test reports carry."""

    def __init__(self, config: pytest.Config, files: list[Target]) -> None:
        self._config = config
        self._files = files
        self._written: list[str] = []
        self._parts: list[RunEntry | dict[str, Any]] = []
        self._calls: set[str] = set()
        self._plain: dict[str, dict[str, Any]] = {}  # by id: a test that is run again counts once
        self._report: Report | None = None
        self.deferral = Deferral()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the parts of runs that a report carries, and the entry of a plain test."""
        plain: dict[str, Any] | None = getattr(report, PLAIN_ATTRIBUTE, None)
        if plain is not None:
            self._plain[plain["id"]] = plain
        parts: Sequence[dict[str, Any]] = getattr(report, "parwork", ())
        if not parts:
            return
        inside = f"{printable(report.nodeid)}::"  # as entries have it
        self._calls.update(part["id"] for part in parts if part["id"].startswith(inside))
        self._parts.extend(parts)

    def add(self, parts: Iterable[RunEntry]) -> None:
        """Take parts of runs."""
        self._parts.extend(parts)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_keyboard_interrupt(self) -> Generator[None, None, None]:
        """Let pytest describe where Ctrl-C came, though it comes again: that may take a second.

        CPython makes a `SystemError` of one that comes while it parses the source, and pytest would
        end with an exit code that stands for failed tests.
        """
        self.deferral.begin()
        try:
            return (yield)
        finally:
            self.deferral.end(is_known=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Finish the report: pass it to other plugins, write the files."""
        is_interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
        if not self._parts and not self._plain and not self._files:
            self.deferral.end(is_known=is_interrupted)
            return
        self.deferral.begin()
        try:
            self._finish(session)
        finally:
            self.deferral.end(is_known=is_interrupted)

    def _finish(self, session: pytest.Session) -> None:
        from ...model.version import __version__
        from ...report.data import Report, RunEntry, collect
        from ...report.plain import PlainEntry
        from ...report.serialising import deserialise

        parts = (
            deserialise(RunEntry, part) if isinstance(part, dict) else part for part in self._parts
        )
        hook = self._config.hook.pytest_parwork_logreport
        is_for_others = bool(self._files or hook.get_hookimpls())
        self._report = Report(
            version=__version__,
            runs=collect(parts),
            plain=tuple(deserialise(PlainEntry, entry) for entry in self._plain.values()),
            environment=_environment() if is_for_others else {},
        )
        hook(config=self._config, report=self._report)
        self._add_to_junit(self._report)
        self._add_durations(self._report)
        are_written = [self._write(file, self._report) for file in self._files]
        if not all(are_written) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write(self, target: Target, report: Report) -> bool:
        file = target.path
        try:
            target.write(report)
        except Exception as error:  # no reason to lose what the terminal would show
            why = error.strerror if isinstance(error, OSError) else None
            why = why or f"{type(error).__name__}: {error}"
            self._written.append(printable(f"parwork report NOT written: {file}: {why}"))
            return False
        self._written.append(printable(f"parwork report written: {file}"))
        return True

    def _add_to_junit(self, report: Report) -> None:
        """Add the properties of the report to the JUnit file, before pytest writes it."""
        from ..compat import drop_from_junit_cases, junit_file

        junit = junit_file(self._config)
        if junit is None:
            return
        from ...report.as_junit import CAUSE, VERDICT, suite_properties

        is_strict = junit.family == "xunit2"  # its schema knows no properties of a case
        if is_strict:
            drop_from_junit_cases(junit, (VERDICT, CAUSE))
        for name, value in suite_properties(report, with_cases=is_strict):
            junit.add_global_property(name, value)

    def _add_durations(self, report: Report) -> None:
        """Let `--durations` show each parallel run of cases; those of calls are inside a test."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None or self._config.getoption("durations", default=None) is None:
            return
        for run in report.runs:
            if run.id in self._calls:
                continue
            terminal.stats.setdefault("", []).append(  # where set-ups and tear-downs are
                pytest.TestReport(
                    nodeid=f"{run.id}[{run.label}]",
                    location=(run.id, None, ""),
                    keywords={},
                    outcome="passed",
                    longrepr=None,
                    when="parwork",  # type: ignore[arg-type]  # shown as it is
                    duration=sum(facts.startup + facts.wall for facts in run.facts),
                )
            )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the section; nothing where nothing was marked."""
        if is_all(self._config) and (why := why_serial(self._config)):
            terminalreporter.write_sep("=", f"parwork: nothing fanned out, because of {why}")
        if self._report is None:
            return
        from ...report.terminal import render

        section = render(
            self._report,
            width=terminalreporter._tw.fullwidth,
            verbosity=terminalreporter.verbosity,
        )
        if section is not None:
            markup = dict.fromkeys(section.title.markup, True)
            terminalreporter.write_sep("=", section.title.text, **markup)
            for line in section.lines:
                for segment in line.segments:
                    terminalreporter.write(segment.text, **dict.fromkeys(segment.markup, True))
                terminalreporter.line("")
        for written in self._written:
            terminalreporter.line(written)


def _environment() -> Mapping[str, object]:
    """Ask for what a terminal does not show: it takes some ms."""
    from ...report.environment import environment

    return environment()
