"""What stands in for pytest's `request` where a case runs."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import FixtureError

if TYPE_CHECKING:
    from types import ModuleType

    from .play import Play
    from .recipe import SentMark, Step

__all__ = ["Request"]

#: What there is of `request`, for those who ask for more.
KNOWN = (
    "param, node.name, node.nodeid, node.originalname, node.get_closest_marker, node.iter_markers, "
    "keywords, path, function, cls, instance, module, fixturename, fixturenames, scope, "
    "addfinalizer, applymarker and getfixturevalue"
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
    def path(self) -> Path:
        """The file of the test."""
        return self.node.path

    @property
    def keywords(self) -> Mapping[str, object]:
        """The names that the case goes by, each with True, or with its closest mark."""
        return self.node.keywords

    @property
    def fixturenames(self) -> list[str]:
        """The names of the fixtures and parameters that are known."""
        stage = self._play.stage
        made = dict.fromkeys(step.name for step in stage.steps if not step.is_late)
        return [*stage.given, *made]

    def addfinalizer(self, finalizer: Callable[[], object]) -> None:
        """Have `finalizer` called when the fixture, or the test, is torn down."""
        self._endings.append(finalizer)

    def applymarker(self, marker: Any) -> None:
        """Take note that the case may fail: the serial run makes it an expected failure."""
        self.node.add_marker(marker)

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
        self._play = play

    @property
    def path(self) -> Path:
        """The file of the test."""
        file = sys.modules[self._play.stage.body.module].__file__
        assert file is not None
        return Path(file)

    @property
    def keywords(self) -> Mapping[str, object]:
        """The names that the case goes by, each with True, or with its closest mark."""
        marks = reversed(list(self.iter_markers()))
        return dict.fromkeys(self._play.role.keywords, True) | {mark.name: mark for mark in marks}

    def get_closest_marker(self, name: str, default: Any = None) -> Any:
        """Return the mark of that name that is closest to the test, `default` without one."""
        return next(self.iter_markers(name), default)

    def iter_markers(self, name: str | None = None) -> Iterator[Mark]:
        """Yield all marks, or those of a name, the closest first."""
        return (Mark(sent) for sent in self._play.role.marks if name in (None, sent.name))

    def add_marker(self, marker: Any) -> None:
        """Take note that the case may fail: the serial run makes it an expected failure."""
        name = marker if isinstance(marker, str) else marker.name
        if name != "xfail":
            raise FixtureError(
                f"request.node.add_marker({name!r}) can do nothing in a worker, where this case "
                f"ran; only xfail can be added there. Mark the test itself"
            )

    def __getattr__(self, name: str) -> NoReturn:
        _refuse("request.node", name)


class Mark:
    """A mark of the case with `name`, `args` and `kwargs`, as pytest has it."""

    def __init__(self, sent: SentMark, /) -> None:
        self._sent = sent
        self.name = sent.name

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments."""
        return self._holds[0]

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """The arguments by name."""
        return self._holds[1]

    @property
    def _holds(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        if isinstance(self._sent.holds, str):
            raise FixtureError(
                f"what pytest.mark.{self.name} holds is not there in a worker, where this case "
                f"ran; {self._sent.holds}"
            )
        holds: tuple[tuple[Any, ...], Mapping[str, Any]] = pickle.loads(self._sent.holds)
        return holds


def _refuse(of: str, name: str) -> NoReturn:
    if name.startswith("__") or name == "param":
        raise AttributeError(f"{of} has no attribute {name!r}")
    raise FixtureError(
        f"{of}.{name} is not there in a worker, where this case ran; there are {KNOWN}. "
        f"Take what is needed of it in a fixture of wider scope, whose value is sent"
    )
