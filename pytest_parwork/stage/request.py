"""What stands in for pytest's `request` where a case runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from ..errors import FixtureError

if TYPE_CHECKING:
    from types import ModuleType

    from .play import Play
    from .recipe import Step

__all__ = ["Request"]

#: What there is of `request`, for those who ask for more.
KNOWN = (
    "param, node.name, node.nodeid, node.originalname, function, cls, instance, module, "
    "fixturename, fixturenames, scope, addfinalizer and getfixturevalue"
)


class Request:
    """Tells a fixture, or with `step` None the test, of the case that it works for."""

    scope = "function"

    def __init__(
        self, play: Play, step: Step | None, endings: list[Callable[[], object]], /
    ) -> None:
        self._play = play
        self._step = step
        self._endings = endings
        self.fixturename = None if step is None else step.name
        self.node = Node(play)

    @property
    def param(self) -> object:
        """The parameter of the fixture; AttributeError without one, for `getattr` and `hasattr`."""
        if self._step is not None:
            try:
                return self._play.param_of(self._step)
            except KeyError:
                pass
        kind = "TopRequest" if self._step is None else "SubRequest"
        raise AttributeError(f"{kind!r} object has no attribute 'param'")

    @property
    def function(self) -> Callable[..., object]:
        """The test function, bound to the instance of its class."""
        return self._play.function

    @property
    def cls(self) -> type | None:
        """The class of the test, None without one."""
        return self._play.cls

    @property
    def instance(self) -> object:
        """The instance that the case runs on, None without a class."""
        return self._play.instance

    @property
    def module(self) -> ModuleType:
        """The module of the test."""
        return sys.modules[self._play.stage.body.module]

    @property
    def fixturenames(self) -> list[str]:
        """The names of the fixtures and parameters that are known."""
        stage = self._play.stage
        return [*stage.given, *dict.fromkeys(step.name for step in stage.steps)]

    def addfinalizer(self, finalizer: Callable[[], object]) -> None:
        """Have `finalizer` called when the fixture, or the test, is torn down."""
        self._endings.append(finalizer)

    def getfixturevalue(self, argname: str) -> object:
        """Return the value of a fixture that the test is known to use."""
        return self if argname == "request" else self._play.value_of(argname)

    def __getattr__(self, name: str) -> NoReturn:
        _refuse("request", name)


class Node:
    """Tells of the case as an item of pytest does."""

    def __init__(self, play: Play, /) -> None:
        self.name = play.role.name
        self.nodeid = play.role.nodeid
        self.originalname = play.stage.body.attribute

    def __getattr__(self, name: str) -> NoReturn:
        _refuse("request.node", name)


def _refuse(of: str, name: str) -> NoReturn:
    if name.startswith("__") or name == "param":
        raise AttributeError(f"{of} has no attribute {name!r}")
    raise FixtureError(
        f"{of}.{name} is not there in a worker, where this case ran; there are {KNOWN}. "
        f"Take what is needed of it in a fixture of wider scope, whose value is sent"
    )
