"""The question whether a case would be skipped, asked of marks and hooks before it is sent."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from ..compat import fixture_chains, swallowing_output
from ..config.marks import closest_mark

#: The marks that pytest's own `skipping` plugin evaluates.
_SKIPPING = ("skip", "skipif", "xfail")

#: Plugins whose hook is no answer: it acts on the process for the case that runs next, or the
#: answer depends on the cases that ran before.
_NOT_ASKED = frozenset(
    (
        *("_pytest", "pytest_parwork", "xdist", "pytest_cov", "pytest_randomly", "pytest_socket"),
        *("pytest_dependency", "pytest_depends", "pytest_asyncio", "pytestqt", "pytest_django"),
    )
)

_SETUP, _TEARDOWN = "pytest_runtest_setup", "pytest_runtest_teardown"


class Asking:
    """Asks pytest's `skipping` plugin, and the hooks of conftests and other plugins.

    A skip or a failure only means that the case is not sent now: pytest asks again at its turn.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        manager = config.pluginmanager
        skipping = manager.get_plugin("skipping")
        others = [plugin for plugin in manager.get_plugins() if plugin is not skipping]
        self._skipping = manager.subset_hook_caller(_SETUP, others)
        # By the ids of collectors, which the session keeps; to hash one takes as long as the rest.
        self._hooks: dict[int, Callable[[pytest.Item], None] | None] = {}
        self._marked: dict[int, bool] = {}
        self._lacking: dict[tuple[int, str], bool] = {}  # by collector and test

    def is_skipped(self, item: pytest.Item) -> bool:
        """Return whether marks or hooks would skip an item, or fail in its set-up."""
        test = (id(item.parent), getattr(item, "originalname", item.name))
        if test not in self._lacking:
            self._lacking[test] = _lacks_fixture(item)
        if self._lacking[test]:
            return True
        # Without such marks, the plugin's answer is known, but it takes longer.
        if self._has_mark(item):
            try:
                self._skipping(item=item)
            except (Exception, pytest.skip.Exception, pytest.xfail.Exception):
                return True
            except pytest.fail.Exception:
                return True  # an invalid mark: the set-up of the case reports it
        ask = self._hooks_for(item)
        if ask is None:
            return False
        try:
            with swallowing_output(self._config), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they are shown when pytest asks
                ask(item)
        except (Exception, pytest.skip.Exception, pytest.fail.Exception, pytest.xfail.Exception):
            return True
        return False

    def _hooks_for(self, item: pytest.Item) -> Callable[[pytest.Item], None] | None:
        """Return what asks the hooks for an item, None if there are none: the same in a file."""
        place = id(item.parent)
        if place not in self._hooks:
            self._hooks[place] = self._asker(item)
        return self._hooks[place]

    def _has_mark(self, item: pytest.Item) -> bool:
        """Return whether an item has one of the marks that are evaluated; the same around it."""
        for mark in item.own_markers:
            if mark.name in _SKIPPING:
                return True
        place = id(item.parent)
        if place not in self._marked:
            assert item.parent is not None
            self._marked[place] = closest_mark(item.parent, *_SKIPPING) is not None
        return self._marked[place]

    def _asker(self, item: pytest.Item) -> Callable[[pytest.Item], None] | None:
        asked = list(_asked(item))
        if not asked:
            return None
        plain = self._only(_SETUP, [each.plugin for each in asked if not _is_wrapper(each)])
        wrapping = self._only(_SETUP, [each.plugin for each in asked if _is_wrapper(each)])
        teardown = self._only(_TEARDOWN, [each.plugin for each in asked])

        def ask(item: pytest.Item) -> None:
            try:
                with suppress(Exception):  # behind its yield, the fixtures are not set up now
                    wrapping(item=item)
                plain(item=item)
            finally:
                with suppress(Exception, pytest.skip.Exception, pytest.fail.Exception):
                    teardown(item=item, nextitem=item)

        return ask

    def _only(self, hook: str, plugins: Sequence[object]) -> Callable[..., object]:
        manager = self._config.pluginmanager
        others = [plugin for plugin in manager.get_plugins() if plugin not in plugins]
        return manager.subset_hook_caller(hook, others)


def _lacks_fixture(item: pytest.Item) -> bool:
    """Return whether an item asks for a fixture that there is not, which pytest reports."""
    if not isinstance(item, pytest.Function):
        return False
    callspec = getattr(item, "callspec", None)
    known = {"request", *fixture_chains(item), *(callspec.params if callspec else ())}
    return not known.issuperset(item.fixturenames)


def _asked(item: pytest.Item) -> Iterator[Any]:
    """Yield the hooks that pytest would call before it sets up the fixtures of an item."""
    hooks = reversed(item.ihook.pytest_runtest_setup.get_hookimpls())  # the order of the calls
    for hook in hooks:
        if hook.plugin_name == "runner":
            return
        package = str(getattr(hook.function, "__module__", "")).partition(".")[0]
        if package not in _NOT_ASKED:
            yield hook


def _is_wrapper(hook: Any) -> bool:
    return bool(hook.hookwrapper or hook.wrapper)
