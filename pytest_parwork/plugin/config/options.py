"""The options and ini options, declared and read; light, because every pytest run loads it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence

import pytest

from ...model.errors import UsageError
from ...report.files import FORMATS, GITHUB, Target, obstacle, target_of
from ..compat import is_strict

MARK = "parwork"

#: The keywords of the marker with their valid values; the same words in errors and --markers.
KEYWORDS = {
    "backend": "a backend's name, or a list of names",
    "workers": 'a positive int, "auto" (or -1), or a list of these',
    "compare": "a policy such as exact() or close(rtol=1e-9), or a function f(actual, expected)",
    "verify": "the share of cases that also run serially, from 0 to 1",
    "timeout": "the seconds that a case may take, in either run, above 0; None for no limit",
    "scope": "'function', 'class', 'module' or 'session', whose cases form one workload",
    "exclusive": "a name, or a list of names; cases that share one never run at the same time",
    "repeat": "how many tasks of the run each case is, all compared: a whole number, 1 to 10,000",
    "min_speedup": "the lowest accepted ratio of serial to parallel seconds, above 0",
    "chunksize": 'tasks per batch: a positive int, or "auto"',
    "diagnose": "whether a difference is diagnosed by further runs: True or False; on or off",
    "inside": "joblib:..., dask:threads, dask:processes, dask or native, or a list of these",
    "vary": '{"argument": [reference, other, ...]}, values that are compared with the first',
}

DEFAULTS: Mapping[str, object] = {
    "backend": "joblib",
    "workers": "auto",
    "verify": 1.0,
    "diagnose": True,
}

#: Keywords with an option of the same name, for tests that do not name one.
OF_TESTS = ("backend", "workers", "verify", "timeout")

#: Another one, which changes no outcome, so that no command has to repeat it.
DIAGNOSE = "diagnose"

#: Whether every test is fanned out as if it were marked.
ALL = pytest.StashKey[bool]()

#: Whether tests are only listed, and no option adds checks to the list.
LISTING = pytest.StashKey[bool]()

#: The columns of the terminal.
WIDTH = pytest.StashKey[int]()

#: The variables of this process before a session can have changed them.
ENVIRONMENT = pytest.StashKey[Mapping[str, str]]()

#: Whether results are to be kept so that a report file can have them.
RECORDS = pytest.StashKey[bool]()


def add_options(parser: pytest.Parser) -> None:
    """Declare the options and ini options of the plugin."""
    group = parser.getgroup("parwork", "parwork: serial and parallel runs of marked tests")
    for name, kind, text in (
        ("backend", "NAMES", f"default {DEFAULTS['backend']}; names with commas make a matrix"),
        ("workers", "NUMBERS", 'default auto, the usable CPUs; as "2,auto" they make a matrix'),
        ("verify", "SHARE", "share of cases that also run serially, 0 to 1; default 1"),
        ("timeout", "SECONDS", "seconds that a case may take, in either run; default no limit"),
        ("diagnose", "on|off", "name the cause of a difference by further runs; default on"),
    ):
        described = f"for parwork tests that name no {name}: {text}"
        group.addoption(f"--parwork-{name}", metavar=kind, default=None, help=described)
        parser.addini(f"parwork_{name}", described)
    seeds = "a whole number, 0 or greater, from which parwork_seed is derived; default 0"
    group.addoption("--parwork-seed", metavar="NUMBER", default=None, help=seeds)
    parser.addini("parwork_seed", seeds)
    group.addoption(
        "--parwork-serial",
        action="store_true",
        help="run parwork tests serially in this process only, as for debugging with --pdb",
    )
    _add_reach(parser, group)
    _add_proof(parser, group)
    group.addoption(
        "--parwork-report",
        action="append",
        default=[],
        metavar="FILE",
        help=(
            f"write a report; its suffix is one of {', '.join(FORMATS)}, or it is {GITHUB}, for "
            "the summary of a job; can be repeated"
        ),
    )
    withheld = (
        "files that are never sent to a cluster, as patterns (fnmatch) of paths from rootdir, of "
        "folders, or of names; * matches / too"
    )
    group.addoption(
        "--parwork-no-send",
        action="append",
        default=[],
        metavar="PATTERNS",
        help=f"{withheld}; separated by commas; can be repeated",
    )
    parser.addini(
        "parwork_counts_workers",
        "names of arguments that are numbers of workers, for vary=, in addition to n_jobs and such",
        type="args",
        default=[],
    )
    parser.addini("parwork_no_send", f"{withheld}; one a line", type="linelist", default=[])
    parser.addini("parwork_serial", "the same as --parwork-serial", type="bool", default=False)
    parser.addini("parwork_report", "files as for --parwork-report", type="args", default=[])


def _add_reach(parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    """Declare what decides which tests are fanned out, and which of them together."""
    everything = (
        "fan out every test as if it were marked, by module; tests that cannot be fanned out run "
        "as ever and are counted"
    )
    group.addoption("--parwork-all", action="store_true", default=None, help=everything)
    parser.addini("parwork_all", everything, type="bool", default=False)
    scopes = "for parwork tests that name no scope: function, class, module or session"
    parser.addini("parwork_scope", scopes)


def _add_proof(parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    """Declare what a green result has to prove."""
    strict = "fail, as an item test_x[exercised], if tasks did not overlap in the parallel run"
    group.addoption("--parwork-strict", action="store_true", default=None, help=strict)
    parser.addini("parwork_strict", strict, type="bool", default=False)
    perturbed = (
        "run parwork tests again in perturbed configurations, as items test_x[stress]: quick, "
        "full, or one row as a failure shows it"
    )
    group.addoption("--parwork-stress", metavar="LEVEL", default=None, help=perturbed)
    parser.addini("parwork_stress", perturbed)
    control = (
        "plant faults in copies of the results of parwork tests, as items test_x[selftest]: each "
        "must be seen, and the report says what a test would let pass"
    )
    group.addoption("--parwork-selftest", action="store_true", default=None, help=control)
    parser.addini("parwork_selftest", control, type="bool", default=False)


def marker_line() -> str:
    """Return the text for `pytest --markers`, a line for each keyword."""
    keywords = ", ".join(f"{name}=" for name in KEYWORDS)
    width = max(map(len, KEYWORDS)) + 1
    lines = (
        f"{MARK}({keywords}): all keywords are optional;",
        "run the cases of this test serially and in parallel; the results must be the same.",
        *(f"  {f'{name}:':<{width}} {text}" for name, text in KEYWORDS.items()),
    )
    return "\n    ".join(lines)


def note_width(config: pytest.Config) -> None:
    """Record the columns of the terminal, which are unknown while output is captured."""
    config.stash[WIDTH] = shutil.get_terminal_size().columns


def is_default_given(config: pytest.Config) -> bool:
    """Return whether an option or ini option gives a default, which has to be checked."""
    return bool(config.getini("parwork_scope")) or any(
        config.getoption(f"parwork_{name}") or config.getini(f"parwork_{name}") for name in OF_TESTS
    )


def note_all(config: pytest.Config) -> None:
    """Record what is asked for each test, more than once: whether all are fanned out, or listed."""
    asked = config.getoption("parwork_all") or config.getini("parwork_all")
    config.stash[ALL] = bool(asked)
    adds_checks = is_own_strict(config) or is_selftest(config) or stress(config)
    config.stash[LISTING] = bool(config.getoption("collectonly") and not adds_checks)


def is_all(config: pytest.Config) -> bool:
    """Return whether every test is fanned out as if it were marked."""
    return config.stash[ALL]


def is_listing(config: pytest.Config) -> bool:
    """Return whether tests are only listed, and no option adds checks to the list."""
    return config.stash[LISTING]


def is_serial(config: pytest.Config) -> bool:
    """Return whether all tests run serially only."""
    return bool(config.getoption("parwork_serial") or config.getini("parwork_serial"))


#: The options of pytest that debug or show set-ups, by the names of their values.
_AGAINST = {
    "usepdb": "--pdb",
    "trace": "--trace",
    "setuponly": "--setup-only",
    "setupplan": "--setup-plan",
}


def why_serial(config: pytest.Config) -> str:
    """Return the option because of which nothing runs in parallel, empty without one."""
    if is_serial(config):
        return "--parwork-serial"
    asked = (name for name in _AGAINST if config.getoption(name, default=False))
    return next((_AGAINST[name] for name in asked), "")


def is_fanned_out(config: pytest.Config) -> bool:
    """Return whether cases run in parallel too: not with options that debug or show set-ups."""
    return not why_serial(config)


def is_partly_collected(config: pytest.Config, node: pytest.Collector) -> bool:
    """Return whether tests in this node may not even be collected, so that nobody can count them.

    A module is searched as a whole, but its classes only where a node id asks for them.
    """
    files = [arg.partition("::")[0] for arg in config.args if "::" in arg]
    if isinstance(node, pytest.Session):
        return bool(files or config.getoption("lf", default=False))
    return isinstance(node, pytest.Module) and any(
        node.path.name == os.path.basename(file) for file in files
    )


def seed(config: pytest.Config) -> int:
    """Return the number from which seeds are derived; raises `UsageError` for an invalid one."""
    text = config.getoption("parwork_seed") or config.getini("parwork_seed") or "0"
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"--parwork-seed={text}: give a whole number, 0 or greater")
    return int(text)


def is_exercise_strict(config: pytest.Config) -> bool:
    """Return whether a workload fails if it was not exercised."""
    return is_own_strict(config) or is_strict(config)


def is_own_strict(config: pytest.Config) -> bool:
    """Return whether our own strict mode is on: pytest's applies to marked functions only."""
    return bool(config.getoption("parwork_strict") or config.getini("parwork_strict"))


def is_selftest(config: pytest.Config) -> bool:
    """Return whether faults are planted in results, to see whether they are seen."""
    return bool(config.getoption("parwork_selftest") or config.getini("parwork_selftest"))


def stress(config: pytest.Config) -> str:
    """Return how workloads are perturbed: `quick`, `full`, a row, or nothing."""
    return str(config.getoption("parwork_stress") or config.getini("parwork_stress"))


def no_send(config: pytest.Config) -> tuple[str, ...]:
    """Return the patterns of files that are never sent to a cluster, from options and ini file."""
    given = [part for text in config.getoption("parwork_no_send") for part in text.split(",")]
    named = [pattern.strip() for pattern in (*given, *config.getini("parwork_no_send"))]
    return tuple(dict.fromkeys(filter(None, named)))


def report_files(config: pytest.Config) -> list[Target]:
    """Return the requested report files, each once; raises `UsageError` for an unknown suffix."""
    named = [*config.getoption("parwork_report"), *config.getini("parwork_report")]
    found = (target_of(name, config.invocation_params.dir, os.environ) for name in named)
    return list(dict.fromkeys(found))


def check_files(files: Sequence[Target]) -> None:
    """Raise `UsageError` for a report file that is known to be unwritable."""
    for file in files:
        if why := obstacle(file.path):
            raise UsageError(f"--parwork-report={file.path} cannot be written: {why}")
