"""Uses of pytest's private API, each with the reason why there is no public way."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest
from _pytest.assertion import rewrite
from _pytest.logging import caplog_records_key


def argument_names(item: pytest.Function) -> Sequence[str]:
    """Return the argument names of the test function: `fixturenames` has autouse fixtures too."""
    names: Sequence[str] = item._fixtureinfo.argnames
    return names


def fixture_defs(item: pytest.Function) -> Mapping[str, pytest.FixtureDef[Any]]:
    """Return the fixture that pytest will use for each name, without parameters of the test.

    Only the definition of a fixture has its scope. pytest treats parameters as fixtures as well;
    they are recognised by the name of their fixture function.
    """
    return {name: chain[-1] for name, chain in fixture_chains(item).items()}


def fixture_chains(item: pytest.Function) -> Mapping[str, Sequence[pytest.FixtureDef[Any]]]:
    """Return all fixtures of each name that are visible to the item; the last one is used."""
    return {
        name: chain
        for name, chain in _closure(item).items()
        if chain[-1].func.__name__ != "get_direct_param_fixture_func"
    }


def twin_of(item: pytest.Function) -> pytest.Function:
    """Return an item like this one, whose fixtures have not been set up.

    pytest makes items from what it knows of a test's fixtures, which only the items have.
    """
    twin: pytest.Function = type(item).from_parent(
        item.parent,
        name=item.name,
        callspec=getattr(item, "callspec", None),
        fixtureinfo=item._fixtureinfo,
        originalname=item.originalname,
    )
    twin.own_markers[:] = item.own_markers
    return twin


def hidden_fixtures(item: pytest.Function) -> Sequence[str]:
    """Return the fixtures that the item will use and that are not among its `fixturenames`.

    pytest 8 omits those that only an overridden fixture requests.
    """
    known = item._fixtureinfo.name2fixturedefs
    return [name for name in _closure(item) if name not in known]


def chains_of(item: pytest.Function, name: str) -> Mapping[str, Sequence[pytest.FixtureDef[Any]]]:
    """Return all fixtures of a name that are visible to the item, and those that they request.

    pytest itself looks them up when a case calls `request.getfixturevalue`.
    """
    found: dict[str, Sequence[pytest.FixtureDef[Any]]] = {}
    wanted = [name]
    while wanted:
        name = wanted.pop()
        if name not in found and name != "request":
            chain = item.session._fixturemanager.getfixturedefs(name, item)
            if chain:
                found[name] = chain
                wanted.extend(argument for each in chain for argument in each.argnames)
    return found


def _closure(item: pytest.Function) -> Mapping[str, Sequence[pytest.FixtureDef[Any]]]:
    known = item._fixtureinfo.name2fixturedefs
    overridden = [each for chain in known.values() for each in chain[:-1]]
    # Plugins add names for a mark: pytest-freezer for `freeze_time`. pytest looks them up in time.
    added = [name for name in item.fixturenames if name not in known and name != "request"]
    if not overridden and not added:
        return known
    names = dict.fromkeys([*added, *(name for each in overridden for name in each.argnames)])
    found = dict(known)
    for name in names:
        found.update({n: chain for n, chain in chains_of(item, name).items() if n not in found})
    return found


def capture_result() -> type:
    """Return the class of the result of `capsys.readouterr()`, which has no public name."""
    from _pytest.capture import CaptureResult

    return CaptureResult


def legacy_path() -> type:
    """Return the class of paths that `tmpdir` and `rootdir` have, which has no public name."""
    from _pytest.compat import LEGACY_PATH

    found: type = LEGACY_PATH
    return found


def option_names(config: pytest.Config) -> Mapping[str, str]:
    """Return the names of options as they are written, mapped to those of their values.

    Only `getoption` knows them, in a table that pytest 9 has moved.
    """
    table = getattr(config._parser, "_opt2dest", None) or getattr(config, "_opt2dest", {})
    return dict(table)


def ini_names(config: pytest.Config) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the names of all ini options, and their other names; pytest lists neither."""
    return list(config._parser._inidict), dict(getattr(config._parser, "_ini_aliases", {}))


def stash_entries(config: pytest.Config) -> Mapping[pytest.StashKey[Any], object]:
    """Return the entries of the stash, which can only be asked for those that one knows."""
    return config.stash._storage


def cache_folder(config: pytest.Config) -> str | None:
    """Return the folder of pytest's cache, None without its plugin; it has no public name."""
    cache = getattr(config, "cache", None)
    return None if cache is None else str(cache._cachedir)


def stop_capturing(config: pytest.Config) -> None:
    """Stop pytest from capturing output in a forked process, as with `-s`.

    Its capture files and their positions are shared with the process that runs pytest.
    """
    from _pytest.capture import CaptureManager

    nothing = CaptureManager("no")
    nothing.start_global_capturing()
    config.pluginmanager.unregister(name="capturemanager")
    config.pluginmanager.register(nothing, "capturemanager")


def uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """Return a context in which nothing is captured: output goes to the user's terminal."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    return nullcontext() if manager is None else manager.global_and_fixture_disabled()


def scope_of(definition: pytest.FixtureDef[Any], item: pytest.Function) -> str:
    """Return the scope that a fixture has for an item.

    Outside of a class, pytest makes class-scoped fixtures for each item.
    """
    is_own = definition.scope == "class" and item.cls is None
    return "function" if is_own else definition.scope


@contextmanager
def swallowing_output(config: pytest.Config) -> Iterator[None]:
    """Capture output between two items, where pytest does not, and drop it."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    if manager is None or not manager.is_globally_capturing():
        yield
        return
    manager.resume_global_capture()
    try:
        yield
    finally:
        manager.suspend_global_capture(in_=False)
        manager.read_global_capture()


def is_torn_here(error: BaseException, item: pytest.Function) -> bool:
    """Return whether a tear-down's exception came from a function-scoped fixture of the case.

    pytest tears down all fixtures that end with a case in one call, and does not say which one
    raised; the frames of the traceback do.
    """
    frames = error.__traceback__
    while frames is not None:
        frame = frames.tb_frame
        owner = frame.f_locals.get("self")
        if frame.f_code.co_name == "finish" and isinstance(owner, pytest.FixtureDef):
            return scope_of(owner, item) == "function"
        frames = frames.tb_next
    return True


def rewritten_code(module: ModuleType) -> CodeType | None:
    """Return the code of a module whose assertions pytest has rewritten, None for any other.

    pytest's loader runs this code and keeps it in a file only, whose name and format are its own.
    """
    spec = module.__spec__
    if (
        spec is None
        or spec.origin is None
        or not isinstance(spec.loader, rewrite.AssertionRewritingHook)
    ):
        return None
    file = Path(spec.origin)
    cached = rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
    try:
        code = rewrite._read_pyc(file, cached)
        return code if code is not None else rewrite._rewrite_test(file, spec.loader.config)[1]
    except (OSError, SyntaxError, ValueError):  # it has changed since
        return None


def is_strict(config: pytest.Config) -> bool:
    """Return whether pytest's own strict mode is on; it is new in pytest 9."""
    try:
        return bool(config.getini("strict"))
    except (KeyError, ValueError):
        return False


def log_settings(config: pytest.Config) -> tuple[int, logging.Formatter] | None:
    """Return the level and the format of pytest's log sections, None without its logging plugin.

    The options are public, but the formatter built from them (multi-line messages, colours) is not.
    """
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    return None if plugin is None else (plugin.log_level or 0, plugin.formatter)


def write_raw(writer: Any, text: str) -> None:
    """Write text that moves the cursor; the public method of pytest 8 counts its columns."""
    write = getattr(writer, "write_raw", None)
    if write is not None:
        write(text, flush=True)
        return
    writer._file.write(text)
    writer._file.flush()


def records_of(item: pytest.Item) -> Mapping[str, Sequence[logging.LogRecord]]:
    """Return the log records of an item in this process by phase: its report has only text."""
    return item.stash.get(caplog_records_key, {})


def take_failures(item: pytest.Item) -> list[pytest.ExceptionInfo[BaseException]]:
    """Return what unittest has recorded for an item so far, and remove it there.

    pytest raises nothing: it takes the first one for the report of the call, and the next one for
    that of the tear-down.
    """
    failures: list[pytest.ExceptionInfo[BaseException]] = getattr(item, "_excinfo", None) or []
    vars(item).pop("_excinfo", None)
    return failures


def put_failures(
    item: pytest.Item, failures: Sequence[pytest.ExceptionInfo[BaseException]]
) -> None:
    """Let pytest take these for the reports of an item that unittest has run."""
    vars(item)["_excinfo"] = [*failures]


def no_message() -> object:
    """Return what unittest has for a subtest without a message, by which pytest recognises it."""
    from unittest.case import _subtest_msg_sentinel  # type: ignore[attr-defined]

    return _subtest_msg_sentinel


def junit_file(config: pytest.Config) -> Any:
    """Return what writes the JUnit file of the session, None where none is asked for.

    Only a fixture, `record_testsuite_property`, leads to it in public.
    """
    from _pytest.junitxml import xml_key

    return config.stash.get(xml_key, None)


def drop_from_junit_cases(junit: Any, names: Collection[str]) -> None:
    """Drop properties from the test cases of a JUnit file that is not yet written.

    pytest writes the properties of a report in every family, also where the schema allows none.
    """
    for reporter in junit.node_reporters_ordered:
        if "properties" in vars(reporter):  # its test has not come to its end
            kept = [pair for pair in reporter.properties if pair[0] not in names]
            reporter.properties = kept
            continue
        case = reporter.to_xml()
        for properties in case.findall("properties"):
            for each in properties.findall("property"):
                if each.get("name") in names:
                    properties.remove(each)
            if not len(properties):
                case.remove(properties)
