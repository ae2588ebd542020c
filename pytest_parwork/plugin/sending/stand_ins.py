"""The fixtures of pytest for which a worker has stand-ins, with their settings."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from ..compat import capture_result, legacy_path

#: The prefixes of the fixtures that pytest creates for `setup_method` and `setup_function`.
XUNIT = {
    "_xunit_setup_method_fixture_": "setup_method",
    "_unittest_setup_method_fixture_": "setup_method",
    "_xunit_setup_function_fixture_": "setup_function",
}

#: Fixtures of pytest and its plugins that are unsupported in a worker, each with the remedy.
UNSUPPORTED = {
    "capteesys": "use capsys",
    "pytester": "it runs pytest itself, so remove the marker",
    "testdir": "it runs pytest itself, so remove the marker",
}

#: Fixtures of pytest with a stand-in in the worker, by the settings that the stand-in needs.
_CAPTURE = {"capsys", "capsysbinary", "capfd", "capfdbinary"}
FOLDERS = {"tmp_path", "tmp_path_factory", "tmpdir_factory"}
_OTHERS = {
    "cache",
    "caplog",
    "doctest_namespace",
    "pytestconfig",
    "record_property",
    "record_testsuite_property",
    "record_xml_attribute",
}


def stand_in(name: str, item: pytest.Function) -> tuple[str, dict[str, object]] | None:
    """Return the name of the stand-in for a fixture, and its settings; None if there is none."""
    config = item.config
    if name in _CAPTURE:
        return name, {"result": capture_result()}
    if name in FOLDERS:
        settings = {"policy": config.getini("tmp_path_retention_policy")}
        if name == "tmpdir_factory":
            settings["path"] = legacy_path()
        return name, settings
    if name == "benchmark":
        return name, {"skips": bool(config.getoption("benchmark_skip", default=False))}
    if name == "subtests":
        return name, {"stops": config.getoption("maxfail") == 1}
    if name == "caplog":
        return name, _logging(config)
    for prefix, kind in XUNIT.items():
        if name.startswith(prefix):
            is_function = kind == "setup_function"
            return kind, {"module": item.module.__name__} if is_function else {}
    return (name, {}) if name in _OTHERS else None


def _logging(config: pytest.Config) -> dict[str, object]:
    """Return pytest's settings for `caplog`."""

    def given(name: str) -> Any:
        return config.getoption(name, default=None) or config.getini(name) or None

    level = given("log_level")
    if isinstance(level, str):
        level = level.upper()
        level = int(level) if level.isdigit() else logging.getLevelName(level)
    return {
        "level": level if isinstance(level, int) else None,
        "format": given("log_format") or "%(message)s",
        "date_format": given("log_date_format"),
    }
