"""The plans by which workers set up function-scoped fixtures, or the errors why they cannot."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ...machine.clock import host
from ...model.errors import UsageError
from ...model.work import Address
from ...transport.pickling import dumps
from ...worker.fixtures.plugins import is_process_wide
from ...worker.fixtures.recipe import REQUEST, FixturePlan, Step
from ..cases.bodies import Body
from ..cases.code import constants_around, package, uses
from ..cases.lazy import lazy_parameters
from ..cases.plain import UnsupportedError, or_in_fork
from ..cases.testcases import rules_of
from ..compat import argument_names, chains_of, fixture_chains, scope_of
from .addresses import address_of, body_of
from .stand_ins import UNSUPPORTED, stand_in

#: Packages whose autouse fixtures concern only tests that use the package.
_FOR_EVERY_TEST = ("inline_snapshot",)

#: The fixture whose value is derived from the id of the case, and sent.
SEED = "parwork_seed"


def fixtures_of(item: pytest.Function) -> FixturePlan | None:
    """Return the plan for the fixtures that a worker sets up for a case; None if there are none.

    Raises `UsageError` for fixtures that a worker cannot set up.
    """
    return _Planner(item).plan()


def named_fixtures(item: pytest.Function) -> list[str]:
    """Return the fixtures named by parameters of a case, for `request.getfixturevalue`."""
    if REQUEST not in item.fixturenames:
        return []
    callspec = getattr(item, "callspec", None)
    texts = [value for value in callspec.params.values() if type(value) is str] if callspec else []
    return [name for name in texts if name.isidentifier() and chains_of(item, name)]


def no_fixtures_of(item: pytest.Function) -> FixturePlan:
    """Return the plan of a case without fixtures to set up."""
    names = argument_names(item)
    return FixturePlan(
        body=body_of(item),
        arguments={name: name for name in names},
        steps=(),
        given=tuple(names),
        home=(host(), os.getpid()),
    )


def check(fixtures: FixturePlan, backend: str, *, is_threaded: bool) -> None:
    """Raise `UsageError` for fixtures that the backend does not support."""
    for step in fixtures.steps:
        if is_threaded and is_process_wide(step) and not step.is_late:
            raise UnsupportedError(
                f"the fixture {step.name!r} changes the whole process, but backend={backend!r} "
                f"runs the cases in threads of it; use a backend with processes, such as joblib",
                reason=f"`{step.name}` on threads",
            )
        if not is_threaded and not isinstance(step.maker, Address | str):
            try:
                dumps(step.maker)
            except Exception as error:
                from ...transport.culprit import explain

                raise UnsupportedError(
                    f"the fixture {step.name!r} has function scope, so it is set up in the worker, "
                    f"but its function cannot be pickled: {explain(step.maker, error)}. Define it "
                    f"at the top level of its module{or_in_fork()}",
                    reason=f"`{step.name}` cannot be sent",
                    is_unsent=True,
                ) from None


class _Planner:
    """Visits the fixtures of an item in pytest's order, without setting them up."""

    def __init__(self, item: pytest.Function) -> None:
        self._item = item
        self._chains = fixture_chains(item)
        self._steps: list[Step] = []
        self._given: dict[str, None] = {}
        self._done: dict[str, str] = {}

    def plan(self) -> FixturePlan | None:
        item = self._item
        for name in item.fixturenames:
            definition = self._chains[name][-1] if name in self._chains else None
            if definition and self._is_own(definition) and not self._is_idle(definition):
                self._source(name, ())
        taken = argument_names(item)
        arguments = {name: self._source(name, ()) for name in taken}
        lazy = lazy_parameters(item)
        rules = rules_of(item)
        if not (self._steps or REQUEST in taken or SEED in self._given or lazy or rules):
            return None
        for parameter, names in lazy.items():
            for name in names:
                self._add_lazy(parameter, name)
        for name in (*named_fixtures(item), *self._named_in_code()):
            self._add_late(name)
        return FixturePlan(
            body=body_of(item),
            arguments=arguments,
            steps=tuple(self._steps),
            given=tuple(self._given),
            home=(host(), os.getpid()),
            has_lazy=bool(lazy),
            testcase=rules,
        )

    def _is_idle(self, definition: pytest.FixtureDef[Any]) -> bool:
        """Return whether a fixture does nothing for this test: one for every test, of a package.

        That of inline-snapshot checks what `snapshot()` has noted in the process that runs pytest.
        """
        of = package(definition.func)
        return of in _FOR_EVERY_TEST and not uses(Body(self._item).function, of)

    def _is_own(self, definition: pytest.FixtureDef[Any]) -> bool:
        return scope_of(definition, self._item) == "function"

    def _add_lazy(self, parameter: str, name: str) -> None:
        """Add a fixture that a lazy parameter asks for; raises `UnsupportedError` with its name."""
        steps = len(self._steps)
        self._chains = {**chains_of(self._item, name), **self._chains}
        if name not in self._chains:
            return  # an unknown name, which pytest reports
        try:
            self._source(name, ())
        except UnsupportedError as error:
            raise UnsupportedError(
                f"the parameter {parameter!r} asks for the fixture {name!r}: {error}",
                reason=error.reason,
            ) from None
        self._steps[steps:] = [replace(step, is_late=True) for step in self._steps[steps:]]

    def _named_in_code(self) -> Iterator[str]:
        """Yield the fixtures whose names are constants where `request.getfixturevalue` is used."""
        functions = [Body(self._item).function]
        for chain in self._chains.values():
            functions += [each.func for each in chain if REQUEST in each.argnames]
        for function in functions:
            for text in constants_around("getfixturevalue", function):
                if text not in self._done and chains_of(self._item, text):
                    yield text

    def _add_late(self, name: str) -> None:
        """Add a fixture that the case may request while it runs, if a worker can set it up.

        It is unknown whether the case will. An unsupported fixture is left out, and requesting it
        is then an error of the case.
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
            and step.name != "tmp_path_factory"  # a case has a folder only if that is known
            and self._chains[step.name][-1].params is None
        )

    def _is_here(self, name: str) -> bool:
        """Return whether a value of that name is sent with the case."""
        callspec = getattr(self._item, "callspec", None)
        return name in self._item.fixturenames or (callspec is not None and name in callspec.params)

    def _source(self, name: str, around: tuple[str, ...]) -> str:
        """Return the source of the value of a name; `around` are the fixtures that request it.

        A fixture that requests its own name gets the fixture that it overrides.
        """
        if name == REQUEST or name in self._done:
            return self._done.get(name, REQUEST)
        chain = self._chains.get(name, ())
        level = around.count(name) + 1
        if level > len(chain) or _is_of("pytest_parwork", chain[-level]):
            # A parameter, or the seed, or an unknown name, which pytest reports.
            self._given[name] = None
            return name
        definition = chain[-level]
        step: Step | None
        key = name if level == 1 else f"{name}^{level}"
        if (
            _is_of("_pytest", definition)
            or _is_of("pytest_benchmark", definition)
            or _is_of("pytest_subtests", definition)
        ):
            step = self._pytests(name, key, definition, around)
        elif self._is_own(definition):
            step = self._own(name, key, definition, around)
        else:
            step = None
        if step is None:
            if level > 1:
                raise UnsupportedError(
                    f"the fixture {name!r} (function scope) requests the {definition.scope}-scoped "
                    f"fixture {name!r} it overrides; that one exists only in the main process, not "
                    f"in the worker. Rename one of the two{or_in_fork()}",
                    reason=f"`{name}`",
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
            raise UnsupportedError(
                f"the fixture {name!r} is async, but a case that is fanned out has no event loop; "
                f"make it a plain fixture that calls asyncio.run()",
                reason="async",
            )
        arguments = {
            argument: self._source(argument, (*around, name)) for argument in definition.argnames
        }
        found = address_of(function, self._item)
        if found is None and hasattr(function, "__self__"):
            raise UnsupportedError(
                f"the fixture {name!r} is a method of {function.__self__!r:.80}, which exists only "
                f"in the main process, not in the worker; make it a function{or_in_fork()}",
                reason=f"`{name}`",
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
        """Return the stand-in for a fixture of pytest, or the fixture itself if that works."""
        if name in UNSUPPORTED:
            remedy = UNSUPPORTED[name] + or_in_fork()
            asking = f", requested by {around[-1]!r}," if around else ""
            raise UnsupportedError(
                f"the fixture {name!r}{asking} exists only in the main process, not in the worker; "
                f"{remedy}",
                reason=f"`{name}`",
            )
        found = stand_in(name, self._item)
        if found is None and not self._is_own(definition):
            return None
        if found is None:
            return self._own(name, key, definition, around)
        maker, settings = found
        return Step(key=key, name=name, maker=maker, settings=settings)


def _is_of(package: str, definition: pytest.FixtureDef[Any]) -> bool:
    return str(getattr(definition.func, "__module__", "")).partition(".")[0] == package
