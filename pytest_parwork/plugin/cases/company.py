"""The settings of other plugins that cases respect, or have to be protected from."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from ...worker.fixtures.drawing import Drawing

#: Why we keep pytest-run-parallel from running an item; that is no opinion of the suite.
_OUR_REASON = "parwork runs it in parallel"


def limit_of(item: pytest.Item) -> float | None:
    """Return the limit of pytest-timeout for the item in seconds, None for no limit."""
    config = item.config
    if not any(map(config.pluginmanager.hasplugin, ("timeout", "pytest_timeout"))):
        return None
    mark = item.get_closest_marker("timeout")
    given = None
    if mark is not None:
        given = mark.args[0] if mark.args else mark.kwargs.get("timeout")
    if given is None:
        given = config.getoption("timeout", default=None)
    if given is None:
        given = os.environ.get("PYTEST_TIMEOUT") or config.getini("timeout") or None
    try:
        limit = float(given) if given is not None else 0.0
    except (TypeError, ValueError):
        return None  # pytest-timeout reports it
    return limit if limit > 0 else None


def is_thread_unsafe(item: pytest.Item) -> bool:
    """Return whether marks of pytest-run-parallel keep the item out of threads.

    They are part of the suite, whether that plugin is installed or not.
    """
    for mark in item.iter_markers():
        if mark.name == "thread_unsafe" and mark.kwargs.get("reason") != _OUR_REASON:
            return True
        if mark.name in ("parallel_threads", "parallel_threads_limit") and mark.args[:1] == (1,):
            return True
    return False


def drawing_of(item: pytest.Item) -> Drawing | None:
    """Return the settings of matplotlib that pytest-mpl makes around a test, None for others.

    Without --mpl it only closes the figure.
    """
    mark = item.get_closest_marker("mpl_image_compare")
    if mark is None:
        return None
    for plugin in item.config.pluginmanager.get_plugins():
        if type(plugin).__module__ == "pytest_mpl.plugin" and hasattr(plugin, "default_style"):
            return Drawing(
                mark.kwargs.get("style", plugin.default_style),
                mark.kwargs.get("backend", plugin.default_backend),
            )
    return Drawing()


def keep_single(items: Iterable[pytest.Item]) -> None:
    """Make pytest-run-parallel call each item once: it drops returned values."""
    for item in items:
        item.add_marker(pytest.mark.thread_unsafe(reason=_OUR_REASON))
        item.add_marker(pytest.mark.iterations(1))
