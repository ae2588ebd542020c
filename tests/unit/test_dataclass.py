"""The decorator `dataclass` of the package does what that of the standard library does."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from pytest_parwork.model.dataclass import dataclass

#: Type checkers take it for that of the standard library.
ours: Any = dataclass


def made_by(decorator: Callable[..., Any], **settings: bool) -> Any:
    """Return a class with each kind of field."""

    class Point:
        """A point."""

        x: int
        seen: list[int] = dataclasses.field(default_factory=list, repr=False)
        label: str = dataclasses.field(default="", compare=False)
        y: float = 0.0

    return decorator(slots=True, **settings)(Point)


@dataclass(slots=True, frozen=True, kw_only=True)
class Sent:
    """A class that a pickle can name."""

    x: int
    self_: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", abs(self.x))


def tried(call: Callable[[], object]) -> object:
    """Return what a call returns, or the type and text of what it raises."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def facts(cls: Any) -> dict[str, object]:
    """Return what can be observed of a class and its objects."""
    point, same, other = cls(x=1), cls(x=1), cls(x=2, y=1.5)
    plain = dataclasses.asdict
    settings = cls.__dataclass_params__
    return {
        "equal": (point == same, point == cls(x=1, label="b"), point == other, point == 1),
        "hash": tried(lambda: hash(point) == hash(same)),
        "set": tried(lambda: setattr(point, "x", 5)),
        "delete": tried(lambda: delattr(point, "y")),
        "by place": tried(lambda: plain(cls(1))),
        "missing": tried(lambda: cls(y=1)),
        "unknown": tried(lambda: cls(x=1, z=1)),
        "shown": str(other) if settings.repr else "",
        "class": (cls.__match_args__, cls.__slots__, cls.__doc__, cls.__init__.__annotations__),
        "fields": [(field.name, field.kw_only) for field in dataclasses.fields(cls)],
        "replaced": plain(dataclasses.replace(other, label="c")),
        "shared": same.seen is cls(x=1).seen,
        "settings": (settings.repr, settings.eq, settings.frozen),
    }


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("kw_only", [True, False])
@pytest.mark.parametrize("eq", [True, False])
@pytest.mark.parametrize("repr", [True, False])
def test_it_is_the_class_that_the_standard_library_makes(
    frozen: bool, kw_only: bool, eq: bool, repr: bool
) -> None:
    settings = {"frozen": frozen, "kw_only": kw_only, "eq": eq, "repr": repr}
    assert facts(made_by(ours, **settings)) == facts(made_by(dataclasses.dataclass, **settings))


def test_a_frozen_one_comes_back_from_a_pickle() -> None:
    sent = Sent(x=-3, self_=[1])
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(sent, protocol))
        assert back == sent
        assert back is not sent
    assert sent.x == 3


def test_one_that_contains_itself_has_a_repr() -> None:
    sent = Sent(x=1, self_=[])
    sent.self_.append(sent)
    assert repr(sent) == "Sent(x=1, self_=[...])"


def test_methods_of_the_class_win() -> None:
    @ours(slots=True, frozen=True)
    class Own:
        x: int

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    own = Own(1)  # type: ignore[call-arg]
    assert (own == 3, hash(own), repr(own)) == (True, 7, "own")


def test_dataclasses_that_inherit_have_all_fields() -> None:
    for decorator in (ours, dataclasses.dataclass):
        made: Any = decorator(slots=True, frozen=True)(
            type("Deep", (Sent,), {"__annotations__": {"z": "int"}})
        )
        assert repr(made(x=1, z=2)).endswith("Deep(x=1, self_=None, z=2)")
        with pytest.raises(dataclasses.FrozenInstanceError, match="field 'x'"):
            made(x=1, z=2).x = 2


def test_a_plain_class_that_inherits_may_have_other_attributes() -> None:
    free = type("Free", (Sent,), {})(x=1)
    free.other = 5
    assert free.other == 5
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        free.x = 5
    del free.other
    assert not hasattr(free, "other")


def test_a_field_that_is_no_argument_is_rejected() -> None:
    class Odd:
        x: int = dataclasses.field(default=0, init=False)

    with pytest.raises(TypeError, match=r"Odd\.x: field\(init=False\) is unsupported"):
        ours(slots=True)(Odd)
