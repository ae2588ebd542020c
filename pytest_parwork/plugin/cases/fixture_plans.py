"""How fixtures of function scope are made in a worker: which, in which order, or why not."""

from __future__ import annotations

import inspect
import logging
import multiprocessing
import os
from dataclasses import replace
from typing import Any

import pytest

from ...machine.clock import host
from ...model.errors import UsageError
from ...model.work import Address
from ...transport.culprit import explain
from ...transport.pickling import dumps
from ...worker.fixtures.case_run import ALONE
from ...worker.fixtures.recipe import REQUEST, FixturePlan, Step
from ..compat import argument_names, capture_result, chains_of, fixture_chains
from .addresses import address_of, body_of

#: The fixture whose value is made of the id of the case, and sent.
SEED = "parwork_seed"

#: How pytest names the fixtures that it makes of `setup_method` and its like.
XUNIT = {
    "_xunit_setup_method_fixture_": "setup_method",
    "_xunit_setup_function_fixture_": "setup_function",
}

#: Fixtures of pytest, and of its company, that cannot be in a worker, with the remedy.
REFUSED = {
    "pytestconfig": "take what is needed of it in a fixture of session scope, whose value is sent",
    "cache": "use it in a fixture of session scope, whose value is sent",
    "record_testsuite_property": "use it in a fixture of session scope",
    "subtests": "parametrize the test",
    "capteesys": "use capsys",
    "tmpdir": "use tmp_path",
    "tmpdir_factory": "use tmp_path_factory",
    "pytester": "it runs pytest itself: leave the marker out",
    "testdir": "it runs pytest itself: leave the marker out",
    "benchmark": "it times its function alone: leave the marker out",
}

#: Fixtures of pytest for which something stands in, each with what that has to know.
_CAPTURE = {"capsys", "capsysbinary", "capfd", "capfdbinary"}
_FOLDERS = {"tmp_path", "tmp_path_factory"}
_OTHERS = {"caplog", "doctest_namespace", "record_property", "record_xml_attribute"}

#: Fixtures that have to be known before the set-up.
_NEVER_LATE = ALONE | _FOLDERS | {"caplog"}


def fixtures_of(item: pytest.Function) -> FixturePlan | None:
    """Return how the fixtures of a case are made where it runs; None if there are none to make.

    Raises `UsageError` for what cannot be made there.
    """
    return _Planner(item).plan()


def named_fixtures(item: pytest.Function) -> list[str]:
    """Return the fixtures that parameters of a case name, for `request.getfixturevalue`."""
    if REQUEST not in item.fixturenames:
        return []
    callspec = getattr(item, "callspec", None)
    texts = [value for value in callspec.params.values() if type(value) is str] if callspec else []
    return [name for name in texts if name.isidentifier() and chains_of(item, name)]


def no_fixtures_of(item: pytest.Function) -> FixturePlan:
    """Return the plan of a case that has no fixtures to make."""
    names = argument_names(item)
    return FixturePlan(
        body=body_of(item),
        arguments={name: name for name in names},
        steps=(),
        given=tuple(names),
        home=(host(), os.getpid()),
    )


def check(fixtures: FixturePlan, backend: str, *, is_threaded: bool) -> None:
    """Raise `UsageError` for what the backend cannot have."""
    for step in fixtures.steps:
        if is_threaded and step.name in ALONE:
            raise UsageError(
                f"the fixture {step.name!r} changes the whole process, and the cases run in "
                f"threads of it with backend={backend!r}; use one with processes, such as joblib"
            )
        if not is_threaded and not isinstance(step.maker, Address | str):
            try:
                dumps(step.maker)
            except Exception as error:
                raise UsageError(
                    f"the fixture {step.name!r} has function scope, so its function is sent to "
                    f"where the case runs, and cannot be: {explain(step.maker, error)}. Define it "
                    f"at the top level of its module{or_in_fork()}"
                ) from None


class _Planner:
    """Follows pytest on its way through the fixtures of an item, without making them."""

    def __init__(self, item: pytest.Function) -> None:
        self._item = item
        self._chains = fixture_chains(item)
        self._steps: list[Step] = []
        self._given: dict[str, None] = {}
        self._done: dict[str, str] = {}

    def plan(self) -> FixturePlan | None:
        item = self._item
        for name in item.fixturenames:
            if name in self._chains and self._chains[name][-1].scope == "function":
                self._source(name, ())
        taken = argument_names(item)
        arguments = {name: self._source(name, ()) for name in taken}
        if not (self._steps or REQUEST in taken or SEED in self._given):
            return None
        for name in named_fixtures(item):
            self._add_late(name)
        return FixturePlan(
            body=body_of(item),
            arguments=arguments,
            steps=tuple(self._steps),
            given=tuple(self._given),
            home=(host(), os.getpid()),
        )

    def _add_late(self, name: str) -> None:
        """Add a fixture that the case may get while it runs, where it can be made in a worker.

        Nobody knows whether the case will: what cannot be made is left out, and told if it does.
        """
        steps, given, done = len(self._steps), dict(self._given), dict(self._done)
        self._chains = {**chains_of(self._item, name), **self._chains}
        try:
            self._source(name, ())
            is_possible = all(map(self._can_be_late, self._steps[steps:])) and all(
                map(self._is_here, self._given.keys() - given.keys())
            )
        except UsageError:
            is_possible = False
        if is_possible:
            self._steps[steps:] = [replace(step, is_late=True) for step in self._steps[steps:]]
        else:
            del self._steps[steps:]
            self._given, self._done = given, done

    def _can_be_late(self, step: Step) -> bool:
        return (
            isinstance(step.maker, Address | str)
            and step.name not in _NEVER_LATE
            and self._chains[step.name][-1].params is None
        )

    def _is_here(self, name: str) -> bool:
        """Return whether the case comes with a value of that name."""
        callspec = getattr(self._item, "callspec", None)
        return name in self._item.fixturenames or (callspec is not None and name in callspec.params)

    def _source(self, name: str, around: tuple[str, ...]) -> str:
        """Return where the value of a name comes from; `around` are the fixtures that ask for it.

        A fixture that asks for its own name gets the one that it overrides.
        """
        if name == REQUEST or name in self._done:
            return self._done.get(name, REQUEST)
        chain = self._chains.get(name, ())
        level = around.count(name) + 1
        if level > len(chain) or _is_of("pytest_parwork", chain[-level]):
            # A parameter, or the seed, or nothing, which pytest will say.
            self._given[name] = None
            return name
        definition = chain[-level]
        step: Step | None
        key = name if level == 1 else f"{name}^{level}"
        if _is_of("_pytest", definition) or _is_of("pytest_benchmark", definition):
            step = self._pytests(name, key, definition, around)
        elif definition.scope == "function":
            step = self._own(name, key, definition, around)
        else:
            step = None
        if step is None:
            if level > 1:
                raise UsageError(
                    f"the fixture {name!r} of function scope asks for the one that it overrides, "
                    f"of {definition.scope} scope, which is made here, and the case runs in a "
                    f"worker; give one of the two another name{or_in_fork()}"
                )
            self._given[name] = None
            return name
        self._steps.append(step)
        self._done[name] = step.key
        return step.key

    def _own(
        self,
        name: str,
        key: str,
        definition: pytest.FixtureDef[Any],
        around: tuple[str, ...],
    ) -> Step:
        function = definition.func
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise UsageError(
                f"the fixture {name!r} is async, and a case that is fanned out has no event loop; "
                f"call asyncio.run() in it"
            )
        arguments = {
            argument: self._source(argument, (*around, name)) for argument in definition.argnames
        }
        found = address_of(function, self._item)
        if found is None and hasattr(function, "__self__"):
            raise UsageError(
                f"the fixture {name!r} is a method of {function.__self__!r:.80}, which is there "
                f"only in the process that runs pytest, and the case runs in a worker; make it a "
                f"function{or_in_fork()}"
            )
        maker, binding = found or (function, "nothing")
        return Step(
            key=key,
            name=name,
            maker=maker,
            binding=binding,
            arguments=arguments,
        )

    def _pytests(
        self,
        name: str,
        key: str,
        definition: pytest.FixtureDef[Any],
        around: tuple[str, ...],
    ) -> Step | None:
        """Return what stands in for a fixture of pytest, or the fixture where it can do that."""
        if name in REFUSED:
            remedy = REFUSED[name] + ("" if name == "subtests" else or_in_fork())
            asking = f", which {around[-1]!r} asks for," if around else ""
            raise UsageError(
                f"the fixture {name!r}{asking} is there only in the process that runs pytest, and "
                f"the case runs in a worker; {remedy}"
            )
        settings: dict[str, object] = {}
        maker: Any = name
        config = self._item.config
        if name in _CAPTURE:
            settings["result"] = capture_result()
        elif name in _FOLDERS:
            settings["policy"] = config.getini("tmp_path_retention_policy")
        elif name == "caplog":
            settings = _logging(config)
        elif xunit := next((kind for start, kind in XUNIT.items() if name.startswith(start)), None):
            maker = xunit
            if xunit == "setup_function":
                settings["module"] = self._item.module.__name__
        elif name not in _OTHERS:
            if definition.scope != "function":
                return None
            return self._own(name, key, definition, around)
        return Step(key=key, name=name, maker=maker, settings=settings)


def _is_of(package: str, definition: pytest.FixtureDef[Any]) -> bool:
    return str(getattr(definition.func, "__module__", "")).partition(".")[0] == package


def _logging(config: pytest.Config) -> dict[str, object]:
    """Return the settings of pytest for what `caplog` shows."""

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


def or_in_fork() -> str:
    """Return how it goes on in an error on a fixture; empty where nothing can be forked."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return ""
    return "; or use backend='isolated:fork', where pytest itself runs the case"
