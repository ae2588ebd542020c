"""Captured output: pytest's settings for the workers, and their output shown by pytest."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest

from ...model.output import Capture, Filter, Output, Warned
from ...report.entries import FILTERS
from ...worker.capture.warned import filters_here, key_of, warning_of
from ..compat import log_settings

#: Arguments of marks: those of an item, and those around it.
FilterMarks: TypeAlias = tuple[tuple[object, ...], tuple[object, ...]]


def capture_of(
    config: pytest.Config,
    filters: tuple[Sequence[tuple[Filter, ...]], Sequence[int]] | None = None,
    *,
    from_threads: bool = True,
) -> Capture:
    """Return the capture settings for the workers: those of this process, now.

    `filters` are sets of warning filters and the number of the set for each task, as returned by
    `filters_of`; without them, the current filters of this process apply to all.
    """
    settings = log_settings(config)
    sets, chosen = filters or ([filters_here()], [])
    has_warnings = config.pluginmanager.has_plugin("warnings")
    return Capture(
        streams=config.getoption("capture", default="no") != "no",
        root_level=logging.getLogger().level if settings is not None else None,
        log_level=settings[0] if settings is not None else 0,
        disabled=tuple(config.getoption("logger_disable", default=())),
        filters=tuple(sets) if has_warnings else (),
        chosen=tuple(chosen) if any(chosen) else (),
        from_threads=from_threads,
    )


def filter_marks(item: pytest.Item, around: dict[int, tuple[object, ...]]) -> FilterMarks:
    """Return the marks of an item that set warning filters: its own, and those around it.

    `around` keeps the latter by the id of their class or module, for all items of which they are
    the same.
    """
    place = id(item.parent)
    if place not in around:
        assert item.parent is not None
        around[place] = tuple(mark.args for mark in item.parent.iter_markers(FILTERS))
    own: tuple[object, ...] = ()
    for mark in item.own_markers:
        if mark.name == FILTERS:
            own = (*own, mark.args)
    return own, around[place]


def filters_of(
    config: pytest.Config, items: Sequence[pytest.Item]
) -> tuple[list[tuple[Filter, ...]], list[int]]:
    """Return the distinct sets of warning filters of the items, and the number of each item's set.

    pytest's own plugin sets the filters, once for all items with the same marks; otherwise this
    module would have to know the options and their order.
    """
    sets: list[tuple[Filter, ...]] = []
    numbers: dict[FilterMarks, int] = {}
    chosen = []
    around: dict[int, tuple[object, ...]] = {}
    for item in items:
        marks = filter_marks(item, around)
        if marks not in numbers:
            numbers[marks] = len(sets)
            sets.append(_filters_during(config, item, marks))
        chosen.append(numbers[marks])
    return sets, chosen


class _FilterProbe:
    """A plugin that runs in place of an item, and records the filters that are set for it."""

    filters: tuple[Filter, ...] = ()

    def pytest_runtest_protocol(self, item: pytest.Item) -> bool:  # noqa: ARG002, the hook has it
        self.filters = filters_here()
        return True


#: The filters that were set, by the marks of an item and the filters before.
_KNOWN = pytest.StashKey[dict[object, tuple[Filter, ...]]]()


def _filters_during(config: pytest.Config, item: pytest.Item, marks: object) -> tuple[Filter, ...]:
    """Return the filters during an item; they are asked for once, as it takes 0.5 ms."""
    known = config.stash.setdefault(_KNOWN, {})
    place = (marks, tuple(warnings.filters))
    if place not in known:
        known[place] = _asked_for(config, item)
    return known[place]


def _asked_for(config: pytest.Config, item: pytest.Item) -> tuple[Filter, ...]:
    manager = config.pluginmanager
    probe = _FilterProbe()
    manager.register(probe)
    try:
        warned = manager.get_plugin("warnings")
        others = [plugin for plugin in manager.get_plugins() if plugin not in (warned, probe)]
        manager.subset_hook_caller("pytest_runtest_protocol", others)(item=item, nextitem=None)
    finally:
        manager.unregister(probe)
    return probe.filters


def log_text(config: pytest.Config, output: Output) -> str:
    """Return the log of a worker in the format of pytest's log section."""
    settings = log_settings(config)
    if settings is None:
        return ""
    return "\n".join(
        entry if isinstance(entry, str) else settings[1].format(logging.makeLogRecord(entry))
        for entry in output.log
    ).strip()


def echo(output: Output) -> None:
    """Print and log in this process what a worker printed and logged."""
    for stream, text in ((sys.stdout, output.out), (sys.stderr, output.err)):
        if text and stream is not None:
            stream.write(text)
            stream.flush()
    for entry in output.log:
        if not isinstance(entry, str):
            record = logging.makeLogRecord(entry)
            logging.getLogger(record.name).handle(record)


def warn_again(warned: Warned, *, seconds: float | None = None) -> None:
    """Issue a worker's warning again in this process, with the same file and line."""
    made = warning_of(warned, seconds=seconds)
    assert isinstance(made.message, Warning)
    is_whole = isinstance(made.message, made.category)
    warnings.warn_explicit(
        made.message if is_whole else str(made.message), made.category, made.filename, made.lineno
    )


@contextmanager
def warnings_shown() -> Iterator[set[object]]:
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
