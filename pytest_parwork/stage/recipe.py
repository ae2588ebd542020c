"""What travels of a test with fixtures of function scope: how they are made, in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..model import Address

__all__ = ["PARAM", "REQUEST", "Binding", "Left", "Role", "SentMark", "Stage", "Step"]

#: What the function of a fixture is bound to: nothing, the instance that the case runs on, the
#: class of that, or an instance of the class around the fixture, where that is another one.
Binding = Literal["nothing", "instance", "class", "own"]

#: The source of an argument that is made for each fixture anew.
REQUEST = "request"

#: The name under which the parameter of a fixture is given.
PARAM = "{}.param"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One fixture of function scope.

    `key` is its name, with a number where another one overrides it. `maker` is its function, where
    that is found by import, or the name of what stands in for it. `arguments` maps the names that
    it takes to the keys of steps, or to names that are given. `settings` are for a stand-in. What
    `is_late` is made only if the case asks for it by `request.getfixturevalue`.
    """

    key: str
    name: str
    maker: Address | Callable[..., object] | str
    binding: Binding = "nothing"
    arguments: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What set-up has left in the class of a test: the values, and why others cannot be sent."""

    values: Mapping[str, object]
    missing: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.values or self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The steps before the body of a test, in pytest's order, and the body; the same for all cases.

    `given` names the values that come with each case: direct parameters, and fixtures of wider
    scope. `home` is the machine and the process that runs pytest. `by_pytest` says that pytest
    itself plays it, in a fork of that process, and needs no steps. `left` is what the class of the
    test has when the cases are sent.
    """

    body: Address
    arguments: Mapping[str, str]
    steps: tuple[Step, ...]
    given: tuple[str, ...]
    home: tuple[str, int]
    by_pytest: bool = False
    left: Left | None = None

    @property
    def has_request(self) -> bool:
        """Whether the body or a fixture asks for `request`."""
        takers = [self.arguments, *(step.arguments for step in self.steps)]
        return any(REQUEST in arguments.values() for arguments in takers)


class SentMark(NamedTuple):
    """A mark of a case; `holds` is the pickle of its arguments, or why there is none."""

    name: str
    holds: bytes | str


class Role(NamedTuple):
    """What is known of one case beside its values.

    `folder` is where its `tmp_path` will be, `seed` that of the global generators, if any. Where it
    has a `request`, `marks` are those that pytest has for the case, the closest first, `keywords`
    all names that it goes by.
    """

    name: str
    nodeid: str
    folder: str = ""
    seed: int | None = None
    marks: tuple[SentMark, ...] = ()
    keywords: tuple[str, ...] = ()
