"""The commands: compare reports of several environments, and show one."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .model.comparison import Policy
from .model.errors import UsageError
from .model.printable import printable

#: Exit codes: all cases are equal, some are not, the input is unusable.
EQUAL, DIFFERENT, UNUSABLE = 0, 1, 2

_DESCRIPTION = """
Compare and show the JSON reports of pytest-parwork (`pytest --parwork-report=FILE.json`).
"""

_COMPARE = """
Compare the results of cases across reports: other Pythons, machines, versions of libraries.
The first report is the base. Exit code 0: all cases are equal; 1: a case is different or missing;
2: unusable input, or nothing was compared. A report carries small values and arrays of up to 64
numbers whole: only these can be compared within a tolerance; larger ones are equal or different.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="parwork", description=_DESCRIPTION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare", help="compare reports with the first one", description=_COMPARE
    )
    compare.add_argument("files", nargs="+", type=Path, metavar="FILE.json", help="two or more")
    compare.add_argument(
        "--rtol", type=float, help="relative to the base, as compare=close(rtol=…)"
    )
    compare.add_argument("--atol", type=float, help="absolute, as compare=close(atol=…)")
    compare.add_argument("--ulp", type=int, help="steps of the number line, as compare=ulp(…)")
    form = compare.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--md", action="store_true", help="print Markdown")
    compare.add_argument("-v", "--verbose", action="store_true", help="list all cases")
    show = commands.add_parser("show", help="print a report as the terminal showed it")
    show.add_argument("file", type=Path, metavar="FILE.json")
    show.add_argument("-v", "--verbose", action="store_true", help="as pytest -v")
    options = parser.parse_args(arguments)
    try:
        code = _show(options) if options.command == "show" else _compare(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EQUAL if options.command == "show" else DIFFERENT
    except UsageError as error:
        print(f"parwork: {' '.join(printable(str(error)).split())}", file=sys.stderr)
        return UNUSABLE


def _compare(options: argparse.Namespace) -> int:
    from .report.across import Match, compare_reports
    from .report.across_texts import as_json, as_markdown, as_text, heading
    from .report.reading import read_report

    if len(options.files) < 2:
        raise UsageError(f"{options.files[0]}: give a second report to compare it with")
    policy = _policy(options)
    reports = [read_report(file) for file in options.files]
    names = [printable(str(file)) for file in options.files]
    found = [compare_reports(reports[0], other, policy) for other in reports[1:]]
    if options.json:
        print(as_json(names, found))
    elif options.md:
        print("\n".join(as_markdown(names, found)))
    else:
        for name, report in zip(names, reports, strict=True):
            print(heading(name, report))
        print("\n".join(as_text(names, found, is_verbose=options.verbose)))
    if not all(across.is_equal for across in found):
        return DIFFERENT
    for name, across in zip(names[1:], found, strict=True):
        if not across.counts[Match.EQUAL]:
            raise UsageError(f"{name}: not a single case was compared with {names[0]}")
    return EQUAL


def _policy(options: argparse.Namespace) -> Policy:
    from .equivalence import close, exact, ulp

    is_close = options.rtol is not None or options.atol is not None
    if options.ulp is not None and is_close:
        raise UsageError(f"--ulp={options.ulp} with --rtol or --atol: give one kind of tolerance")
    if options.ulp is not None:
        return ulp(options.ulp)
    if is_close:
        return close(rtol=options.rtol or 0.0, atol=options.atol or 0.0)
    return exact()


def _show(options: argparse.Namespace) -> int:
    from .report.reading import read_report
    from .report.terminal import render

    width = min(shutil.get_terminal_size().columns, 120)
    section = render(read_report(options.file), width=width, verbosity=int(options.verbose))
    if section is None:
        print("parwork: the report has no run")
        return EQUAL
    print(f" {section.title.text} ".center(width, "="))
    for line in section.lines:
        print(line.text)
    return EQUAL


if __name__ == "__main__":
    sys.exit(main())
