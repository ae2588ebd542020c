"""One case with its fixtures of function scope: set up, called, torn down."""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import MethodType
from typing import Any

from ..capture.phases import enter
from ..clock import host
from ..deadline import TimedOut
from ..errors import FixtureError
from .classes import leave
from .finding import Found
from .logs import Logs
from .recipe import PARAM, REQUEST, Role, Stage, Step
from .request import Request
from .standins import STAND_INS

__all__ = ["ALONE", "Play"]

#: Fixtures that change the whole process, so that no two cases can have them at once in one.
ALONE = frozenset({"monkeypatch", "recwarn", "capsys", "capsysbinary", "capfd", "capfdbinary"})

#: Held by the case that changes the process, in workers with several threads.
_CHANGING = threading.Lock()


class Play:
    """One case from the beginning of its set-up to the end of its tear-down.

    `is_in_thread` says whether others run beside it in the process that runs pytest.
    """

    def __init__(self, stage: Stage, found: Found, role: Role, given: Mapping[str, object]) -> None:
        self.stage: Stage = stage
        self.role: Role = role
        self.home: tuple[str, int] = stage.home
        self.instance: Any = None
        self.function: Callable[..., object]
        self.cls = found.cls
        self.logs: Logs | None = None
        self.has_failed = False
        self._found = found
        self._given = given
        self._values: dict[str, object] = {}
        self._making: list[str] = []
        self._endings: list[list[Callable[[], object]]] = []  # those of each fixture

    @property
    def is_in_thread(self) -> bool:
        is_here = self.home == (host(), os.getpid())
        return is_here and threading.current_thread() is not threading.main_thread()

    def is_kept(self, *, policy: str) -> bool:
        """Whether the folders of the case stay, by the policy that pytest has for its own."""
        return policy == "all" or (policy == "failed" and self.has_failed)

    def alone(self) -> AbstractContextManager[object]:
        """Keep other cases of this process waiting where this one changes the process."""
        changing = [step.name for step in self.stage.steps if step.name in ALONE]
        is_logging = any(step.maker == "caplog" for step in self.stage.steps)  # it sets levels
        if not changing:
            return _CHANGING if is_logging and not self.is_in_thread else nullcontext()
        if self.is_in_thread:
            raise FixtureError(
                f"the fixture {changing[0]!r} changes the whole process, and this case ran in a "
                f"thread beside others; use a backend with processes"
            )
        return _CHANGING

    def set_up(self) -> None:
        """Make all fixtures, in pytest's order."""
        enter("setup")
        for step in self.stage.steps:
            if step.maker == "caplog":  # it tells of the whole set-up
                self.logs = Logs(is_shared=_is_beside_others(), **step.settings)
                # In threads of this process pytest has set the level, around the whole run.
                self.logs.begin(sets_level=not self.is_in_thread)
        if self._found.cls is not None:
            if self.stage.left is not None:
                leave(self._found.cls, self.stage.left, self.home)
            self.instance = self._found.cls()
            self.function = getattr(self.instance, self.stage.body.attribute)
        else:
            assert self._found.body is not None
            self.function = self._found.body
        for step in self.stage.steps:
            if not step.is_late:
                self._make(step)

    def call(self) -> object:
        """Call the body."""
        enter("call")
        if self.logs is not None:
            self.logs.enter("call")
        endings: list[Callable[[], object]] = []
        self._endings.append(endings)
        return self.function(**self._arguments(self.stage.arguments, None, endings))

    def tear_down(self) -> list[BaseException]:
        """Tear all down, the last one first, and return what was raised."""
        enter("teardown")
        if self.logs is not None:
            self.logs.enter("teardown")
        errors: list[BaseException] = []
        try:
            while self._endings:
                endings = self._endings.pop()
                while endings:
                    try:
                        endings.pop()()
                    except TimedOut:
                        raise
                    except BaseException as error:
                        errors.append(error)
        finally:
            if self.logs is not None:
                self.logs.end()
        return errors

    def value_of(self, name: str) -> object:
        """Return the value of a fixture, made now if it was not yet; raises `FixtureError`."""
        step = self._found.steps.get(name)
        if step is None and name in self._given:
            return self._given[name]
        if step is None or name in self._making:
            raise FixtureError(
                f"request.getfixturevalue({name!r}): only fixtures that are known before the case "
                f"runs can be had in a worker; take it as an argument, or add usefixtures({name!r})"
            )
        return self._make(step)

    def param_of(self, step: Step) -> object:
        """Return the parameter of a fixture; KeyError if it has none."""
        return self._given[PARAM.format(step.name)]

    def _make(self, step: Step) -> object:
        if step.key in self._values:
            return self._values[step.key]
        endings: list[Callable[[], object]] = []
        self._making.append(step.key)
        try:
            arguments = self._arguments(step.arguments, step, endings)
            value = self._made(step, arguments, endings)
        finally:
            self._making.pop()
            # As in pytest: after those of the fixtures that it asked for, also where it failed.
            self._endings.append(endings)
        self._values[step.key] = value
        return value

    def _made(
        self, step: Step, arguments: Mapping[str, object], endings: list[Callable[[], object]]
    ) -> object:
        if isinstance(step.maker, str):
            maker: Callable[..., Any] = partial(STAND_INS[step.maker], self, step)
            generator = maker()
        else:
            maker = self._bound(step)
            if not inspect.isgeneratorfunction(maker):
                return maker(**arguments)
            generator = maker(**arguments)
        try:
            value = next(generator)
        except StopIteration:
            raise ValueError(f"{step.name} did not yield a value") from None
        endings.append(partial(_go_on, maker, generator))
        return value

    def _bound(self, step: Step) -> Callable[..., Any]:
        maker = self._found.makers[step.key]
        if step.binding == "instance":
            return MethodType(maker, self.instance)
        if step.binding == "class":
            return MethodType(maker, self._found.owners[step.key])
        if step.binding == "own":
            return MethodType(maker, self._found.owners[step.key]())
        return maker

    def _arguments(
        self,
        sources: Mapping[str, str],
        step: Step | None,
        endings: list[Callable[[], object]],
    ) -> dict[str, object]:
        return {
            name: Request(self, step, endings) if source == REQUEST else self._source(source)
            for name, source in sources.items()
        }

    def _source(self, source: str) -> object:
        step = self._found.steps.get(source)
        return self._given[source] if step is None else self._make(step)


def _go_on(maker: Callable[..., object], generator: Iterator[object]) -> None:
    """Go on behind the `yield` of a fixture."""
    for _ in generator:
        source = textwrap.dedent(inspect.getsource(maker)).splitlines()
        told = "\n".join(f"    {line}" for line in source)
        code = inspect.unwrap(maker).__code__
        place = f"{code.co_filename}:{code.co_firstlineno}"
        # Whoever has fixtures has imported pytest; this package does not need it here.
        sys.modules["pytest"].fail(
            f"fixture function has more than one 'yield':\n\n{told}\n{place}", pytrace=False
        )


def _is_beside_others() -> bool:
    return threading.current_thread() is not threading.main_thread()
