"""The settings of other plugins that cases respect, or have to be protected from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import pytest

from ...worker.fixtures.drawing import Drawing
from ...worker.fixtures.plugins import STORING
from ..compat import fixture_defs
from ..config.marks import closest_mark
from ..session.other_limits import TIMEOUT

#: Options by which plugins store results anew.
_REGENERATING = ("--force-regen", "--regen-all", "--snapshot-update")

#: Fixtures of function scope that reset an object of wider scope: a server, a generator.
_RESETTING = ("faker", "httpserver")

#: Packages whose fixtures need a thread of pytest's process.
_THREADED = {"pytest_httpserver", "pytest_localserver"}

#: Marks by which plugins act in hooks around a test, with the package of the plugin. Only the
#: process that runs pytest has these hooks, and forks of it in which pytest runs the case.
_HOOKED = {
    "allow_hosts": "pytest_socket",
    "disable_socket": "pytest_socket",
    "enable_socket": "pytest_socket",
    "limit_leaks": "pytest_memray",
    "limit_memory": "pytest_memray",
}

#: Those that do not work in a fork either: memory is traced in the process of pytest only.
_UNFORKED = {"limit_leaks", "limit_memory"}

#: Fixtures that their plugin asks in a hook around the call, by which it fails the test.
_ASKED_AROUND = {"reraise": "pytest_reraise"}

#: Plugins that run a failed case again while the report of its call is made.
_RETRYING = {"pytest_retry.retry_plugin"}

#: Fixtures by which a case of pytest-django uses the database, also those that it asks for itself.
_OF_DATABASE = {"_django_db_helper", "db", "live_server", "transactional_db"}

#: Why we keep pytest-run-parallel from running an item; that is no opinion of the suite.
_OUR_REASON = "parwork runs it in parallel"


def is_any_limited(config: pytest.Config) -> bool:
    """Return whether pytest-timeout is there, which may limit any item."""
    return any(map(config.pluginmanager.hasplugin, TIMEOUT))


def limit_of(item: pytest.Item) -> float | None:
    """Return the limit of pytest-timeout for the item in seconds, None for no limit."""
    config = item.config
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
    mark = closest_mark(item, "mpl_image_compare")
    if mark is None:
        return None
    for plugin in item.config.pluginmanager.get_plugins():
        if type(plugin).__module__ == "pytest_mpl.plugin" and hasattr(plugin, "default_style"):
            return Drawing(
                mark.kwargs.get("style", plugin.default_style),
                mark.kwargs.get("backend", plugin.default_backend),
            )
    return Drawing()


def packages_of(item: pytest.Function) -> set[str]:
    """Return the packages that define the fixtures of an item."""
    makers = (each.func for each in fixture_defs(item).values())
    return {str(getattr(maker, "__module__", "")).partition(".")[0] for maker in makers}


def is_storing(item: pytest.Function) -> bool:
    """Return whether a fixture of the item compares with results that are stored next to it."""
    return not STORING.isdisjoint(packages_of(item))


def regenerating_option(item: pytest.Function) -> str:
    """Return the option by which results are stored anew, empty if none is given."""
    given = (name for name in _REGENERATING if item.config.getoption(name, default=None))
    return next(given, "") if is_storing(item) else ""


def resetting_fixtures(item: pytest.Function) -> tuple[str, ...]:
    """Return the fixtures of function scope of an item that reset an object of wider scope."""
    known = fixture_defs(item)
    return tuple(name for name in _RESETTING if name in known)


def threaded_fixture(item: pytest.Function) -> str:
    """Return a fixture whose thread a fork of this process does not have, empty without one."""
    for name, definition in fixture_defs(item).items():
        if str(getattr(definition.func, "__module__", "")).partition(".")[0] in _THREADED:
            return name
    return ""


def hooked_mark(item: pytest.Item, *, by_pytest: bool) -> str:
    """Return a mark of the item by which a plugin acts in hooks, empty without one.

    Where cases run `by_pytest`, in a fork, most of these work.
    """
    for mark in item.iter_markers():
        if _HOOKED.get(mark.name) in sys.modules and not (by_pytest and mark.name not in _UNFORKED):
            return mark.name
    return ""


def fixture_asked_around(item: pytest.Function) -> str:
    """Return a fixture of the item that decides in a hook how the call ends, empty without one."""
    found = fixture_defs(item)
    for name, package in _ASKED_AROUND.items():
        if name in found and str(found[name].func.__module__).partition(".")[0] == package:
            return name
    return ""


def retrying_plugins(config: pytest.Config) -> list[object]:
    """Return the plugins that run a failed case again before its report is finished."""
    plugins = config.pluginmanager.get_plugins()
    return [plugin for plugin in plugins if getattr(plugin, "__name__", "") in _RETRYING]


def is_dependent(item: pytest.Item) -> bool:
    """Return whether pytest-dependency skips the item if another one has failed."""
    mark = item.get_closest_marker("dependency")
    return mark is not None and bool(mark.kwargs.get("depends"))


def unshared_database(item: pytest.Item, *, is_threaded: bool) -> bool:
    """Return whether a case of pytest-django cannot use its database where it would run.

    A thread has a connection of its own, which is not in the transaction of the test; and a fork
    must not use a connection of this process. It has a copy only of a database in memory.
    """
    database = sys.modules.get("django.db")
    names = getattr(item, "fixturenames", ())
    if database is None or not (
        item.get_closest_marker("django_db") or not _OF_DATABASE.isdisjoint(names)
    ):
        return False
    return is_threaded or any(
        connection.vendor != "sqlite"
        or connection.settings_dict["TEST"].get("NAME") not in (None, ":memory:")
        for connection in database.connections.all()
    )


def keep_single(items: Iterable[pytest.Item]) -> None:
    """Make pytest-run-parallel call each item once: it drops returned values."""
    for item in items:
        item.add_marker(pytest.mark.thread_unsafe(reason=_OUR_REASON))
        item.add_marker(pytest.mark.iterations(1))
