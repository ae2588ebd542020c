"""What pytest is asked to capture, as workers are told; what came back, as pytest tells it."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from ...model.output import Capture, Filter, Output, Warned
from ...worker.capture.warned import filters_here, key_of, warning_of
from ..compat import log_settings

FILTERS = "filterwarnings"


def capture_of(
    config: pytest.Config,
    filters: tuple[Sequence[tuple[Filter, ...]], Sequence[int]] | None = None,
    *,
    from_threads: bool = True,
) -> Capture:
    """Return what is to hold in the workers: what holds here, now.

    `filters` are sets of warning filters and the number of the set of each task, as `filters_of`
    gives them; without, those of this moment hold for all.
    """
    settings = log_settings(config)
    sets, chosen = filters or ([filters_here()], [])
    has_warnings = config.pluginmanager.has_plugin("warnings")
    return Capture(
        streams=config.getoption("capture") != "no",
        root_level=logging.getLogger().level if settings is not None else None,
        log_level=settings[0] if settings is not None else 0,
        disabled=tuple(config.getoption("logger_disable", default=())),
        filters=tuple(sets) if has_warnings else (),
        chosen=tuple(chosen) if any(chosen) else (),
        from_threads=from_threads,
    )


def filters_of(
    config: pytest.Config, items: Sequence[pytest.Item]
) -> tuple[list[tuple[Filter, ...]], list[int]]:
    """Return the different sets of warning filters that items have, and which each has.

    The items are of one function, so that what is around them is the same. pytest's own plugin is
    asked, once for all with the same marks, or options and their order would have to be known here.
    """
    sets: list[tuple[Filter, ...]] = []
    numbers: dict[tuple[object, ...], int] = {}
    chosen = []
    for item in items:
        marks = tuple(mark.args for mark in item.own_markers if mark.name == FILTERS)
        if marks not in numbers:
            numbers[marks] = len(sets)
            sets.append(_filters_during(config, item))
        chosen.append(numbers[marks])
    return sets, chosen


class _Look:
    """A plugin that runs in the place of an item, and sees the filters that it would have."""

    filters: tuple[Filter, ...] = ()

    def pytest_runtest_protocol(self, item: pytest.Item) -> bool:  # noqa: ARG002, the hook has it
        self.filters = filters_here()
        return True


def _filters_during(config: pytest.Config, item: pytest.Item) -> tuple[Filter, ...]:
    manager = config.pluginmanager
    look = _Look()
    manager.register(look)
    try:
        warned = manager.get_plugin("warnings")
        others = [plugin for plugin in manager.get_plugins() if plugin not in (warned, look)]
        manager.subset_hook_caller("pytest_runtest_protocol", others)(item=item, nextitem=None)
    finally:
        manager.unregister(look)
    return look.filters


def log_text(config: pytest.Config, output: Output) -> str:
    """Return what was logged as pytest's section has it."""
    settings = log_settings(config)
    if settings is None:
        return ""
    return "\n".join(
        entry if isinstance(entry, str) else settings[1].format(logging.makeLogRecord(entry))
        for entry in output.log
    ).strip()


def echo(output: Output) -> None:
    """Print and log here what a worker has printed and logged."""
    for stream, text in ((sys.stdout, output.out), (sys.stderr, output.err)):
        if text and stream is not None:
            stream.write(text)
            stream.flush()
    for entry in output.log:
        if not isinstance(entry, str):
            record = logging.makeLogRecord(entry)
            logging.getLogger(record.name).handle(record)


def warn_again(warned: Warned, *, seconds: float | None = None) -> None:
    """Warn here of what a worker has warned of, at the same place."""
    told = warning_of(warned, seconds=seconds)
    assert isinstance(told.message, Warning)
    is_whole = isinstance(told.message, told.category)
    warnings.warn_explicit(
        told.message if is_whole else str(told.message), told.category, told.filename, told.lineno
    )


@contextmanager
def noted() -> Iterator[set[object]]:
    """Collect the keys of all warnings shown inside the block; they are still shown."""
    keys: set[object] = set()
    outside: Any = warnings.showwarning

    def note(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        *rest: Any,
        **more: Any,
    ) -> None:
        keys.add(key_of(message, category, filename, lineno))
        outside(message, category, filename, lineno, *rest, **more)

    warnings.showwarning = note
    try:
        yield keys
    finally:
        if warnings.showwarning is note:
            warnings.showwarning = outside
