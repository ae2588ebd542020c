"""Hints at what makes a worker differ: state that a hook has set here, a library that nests."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from inspect import unwrap
from itertools import chain, pairwise
from multiprocessing import get_all_start_methods
from pathlib import Path
from typing import Any

import pytest

from ...model.outcome import Outcome
from ..cases.code import codes_of, sends_signals
from ..cases.groups import Case
from ..compat import fixture_defs
from ..sending.wide import wide_names

#: Exceptions of code that meets None, or nothing, where something was set before.
_OF_MISSING = {
    *("AttributeError", "NameError", "TypeError", "KeyError", "LookupError", "ImportError"),
    *("ModuleNotFoundError", "RuntimeError"),
}

#: How workers are started that have everything that was set in this process.
_INHERITING = ("fork", "thread", "none")

#: The set-up functions of a module and a class, by the names that pytest knows.
_MODULE_SET_UPS = ("setup_module", "setUpModule")
_CLASS_SET_UPS = ("setup_class", "setUpClass")

#: Workers in which joblib uses threads for what it is asked to do in parallel.
_NESTING = ("loky",)


class Hints:
    """Finds the hooks that set state, once for a session."""

    def __init__(self) -> None:
        self._hook: str | None = None

    def of(self, case: Case, actual: Outcome, expected: Outcome) -> str:
        """Return what may explain that a worker gave another outcome, empty if nothing is known."""
        run = case.sent.run
        if run is None:
            return ""
        if case.plan.configuration.backend.partition(":")[0] == "dask" and sends_signals(
            case.item.function
        ):
            return (
                "a signal reaches the main thread of its process, and a case on dask runs in "
                "another thread; compare on processes"
            )
        if run.facts.start_method in _INHERITING:
            return ""
        if self._hook is None:
            self._hook = next(_find_setting_hooks(case.item.config), "")
        if run.facts.start_method in _NESTING and _names(case.item.function, "Parallel"):
            return (
                "joblib.Parallel in the test runs on threads inside a worker of joblib, and on "
                "processes in the serial run; compare on processes, or use vary="
            )
        where = "processes:fork" if "fork" in get_all_start_methods() else "threads"
        for set_up, names in _setting_fixtures(case.item):
            what = f"{set_up} sets {names} in pytest's process, which its workers lack"
            return f"{what}; if the case passes on {where}, that is why"
        failure = actual.failure
        is_missing = failure is not None and failure.type in _OF_MISSING
        if self._hook:
            what = f"{self._hook} sets something in pytest's process that its workers lack"
        elif is_missing and expected.kind == "value":
            what = "a hook or a plugin may have set in pytest's process what its workers lack"
        else:
            return ""
        return f"{what}; if the case passes on {where}, that is why"


def _find_setting_hooks(config: pytest.Config) -> Iterator[str]:
    """Yield the hooks of the project that assign to a module, or to what it holds."""
    for plugin in config.pluginmanager.get_plugins():
        for name in dir(plugin):
            function = getattr(plugin, name, None) if name.startswith("pytest_") else None
            if not callable(function):
                continue
            file = _file_of(function)
            if file is None or not file.is_relative_to(config.rootpath):
                continue
            if "site-packages" not in file.parts and sets_state(function):
                yield f"{name} ({file.relative_to(config.rootpath)})"


def _setting_fixtures(item: pytest.Function) -> Iterator[tuple[str, str]]:
    """Yield the wide fixtures and set-up functions that assign to global names, with these.

    Unlike hooks, they set attributes of what they make all the time, so these say nothing.
    """
    functions = {name: getattr(item.module, name, None) for name in _MODULE_SET_UPS}
    functions |= {name: getattr(item.cls, name, None) for name in _CLASS_SET_UPS}
    defs = fixture_defs(item)
    fixtures = [name for name in wide_names(item) if name in defs]
    functions |= {f"the fixture {name!r}": defs[name].func for name in reversed(fixtures)}
    for name, function in functions.items():
        codes = codes_of(getattr(function, "__func__", function)) if callable(function) else ()
        steps = chain.from_iterable(map(dis.get_instructions, codes))
        found = dict.fromkeys(step.argval for step in steps if step.opname == "STORE_GLOBAL")
        if found:
            yield name, ", ".join(found)


def _file_of(function: Callable[..., Any]) -> Path | None:
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    return None if file is None else Path(file)


def _names(function: Callable[..., Any], name: str) -> bool:
    """Return whether the code of a function uses a name; during a call, ours is around it."""
    return any(name in code.co_names for code in codes_of(unwrap(function)))


def sets_state(function: Callable[..., Any]) -> bool:
    """Return whether a hook assigns to a global name, or to an attribute of no argument of it."""
    for code in codes_of(getattr(function, "__func__", function)):
        if "setattr" in code.co_names:
            return True
        given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        for before, step in pairwise(chain([None], dis.get_instructions(code))):
            if step is None or step.opname not in ("STORE_GLOBAL", "STORE_ATTR"):
                continue
            # Python 3.13 may load two variables at once; the last one is assigned to.
            loaded = before.argval if before is not None else None
            target = loaded[-1] if isinstance(loaded, tuple) else loaded
            if step.opname == "STORE_GLOBAL" or target not in given:
                return True
    return False
