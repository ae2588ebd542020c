"""The relation `exact` between objects of attrs and pydantic, as tables of pairs."""

from __future__ import annotations

import functools
import sys
from types import FunctionType
from typing import Any

import attrs
import numpy as np
import pydantic
import pydantic.dataclasses
import pytest
from relation.checks import check_different, check_equal, check_pickled_copy

from pytest_parwork.equivalence import close, compare

NAN = float("nan")


@attrs.define
class Cell:
    x: Any
    label: Any = attrs.field(default="", eq=False)
    word: str = attrs.field(default="", eq=str.lower)


@attrs.define(eq=False)
class Plain:
    x: Any


@attrs.define
class Grid:
    values: Any = attrs.field(eq=attrs.cmp_using(eq=np.allclose))


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    x: Any = 1
    inner: Any = None
    _private: Any = pydantic.PrivateAttr(default=0)

    @functools.cached_property
    def twice(self) -> Any:
        return self.x * 2


class Open(Model):
    model_config = pydantic.ConfigDict(extra="allow")


def opened(**extra: object) -> Open:
    return Open.model_validate(extra)


class Root(pydantic.RootModel[list[float]]):
    pass


class Judging(Model):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]  # as Python sets it


@pydantic.dataclasses.dataclass
class Row:
    x: float


def private(value: object) -> Model:
    model = Model()
    model._private = value
    return model


def cached(model: Model) -> Model:
    assert model.twice == 2
    return model


EQUAL: dict[str, tuple[Any, Any]] = {
    "attrs": (Cell([NAN]), Cell([NAN])),
    "a field that does not count": (Cell(1, "a"), Cell(1, "b")),
    "a field by its key": (Cell(1, word="A"), Cell(1, word="a")),
    "an array by its key": (Grid(np.zeros(2)), Grid(np.zeros(2) + 1e-12)),
    "attrs without eq": (Plain(1), Plain(1)),
    "models": (Model(x=NAN, inner=Model()), Model(x=NAN, inner=Model())),
    "models of arrays": (Model(x=np.eye(2)), Model(x=np.eye(2))),
    "defaults": (Model(), Model(x=1)),
    "a cached property": (cached(Model()), Model()),
    "private attributes": (private([1]), private([1])),
    "extra attributes": (opened(y=1), opened(y=1)),
    "roots": (Root([NAN]), Root([NAN])),
    "dataclasses of pydantic": (Row(NAN), Row(NAN)),
    "secrets": (pydantic.SecretStr("a"), pydantic.SecretStr("a")),
}

DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    "attrs": (Cell(0.0), Cell(-0.0), "sign-of-zero"),
    "attrs without eq": (Plain(1), Plain(2), "value"),
    "a field by its key": (Cell(1, word="a"), Cell(1, word="b"), "value"),
    "an array by its key": (Grid(np.zeros(2)), Grid(np.ones(2)), "value"),
    "models": (Model(x=0.0), Model(x=-0.0), "sign-of-zero"),
    "types of fields": (Model(x=1), Model(x=1.0), "type"),
    "models inside": (Model(inner=Model(x=1)), Model(inner=Model(x=2)), "value"),
    "models of arrays": (Model(x=np.eye(2)), Model(x=np.zeros((2, 2))), "value"),
    "private attributes": (private([1]), private([2]), "value"),
    "extra attributes": (opened(y=1), opened(y=2), "value"),
    "an extra attribute more": (opened(y=1), Open(), "extra"),
    "roots": (Root([0.0]), Root([-0.0]), "sign-of-zero"),
    "model and subclass": (Model(), Open(), "type"),
    "dataclasses of pydantic": (Row(0.0), Row(-0.0), "sign-of-zero"),
    "secrets": (pydantic.SecretStr("a"), pydantic.SecretStr("b"), "value"),
}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL)
def test_values_that_are_the_same_are_equal(left: object, right: object) -> None:
    check_equal(left, right)


@pytest.mark.parametrize(("left", "right", "kind"), DIFFERENT.values(), ids=DIFFERENT)
def test_values_that_are_not_the_same_differ(left: object, right: object, kind: str) -> None:
    check_different(left, right, kind)


@pytest.mark.parametrize("name", EQUAL)
def test_a_value_equals_its_pickled_copy(name: str) -> None:
    check_pickled_copy(EQUAL[name][0])


def test_a_path_names_the_field() -> None:
    (mismatch,) = compare(Model(inner=[Model(x=1)]), Model(inner=[Model(x=2)])).mismatches
    assert mismatch.path == ".inner[0].x"
    (mismatch,) = compare(Root([1.0, 2.0]), Root([1.0, 3.0])).mismatches
    assert mismatch.path == ".root[1]"


def test_the_numbers_of_a_model_are_open_to_a_tolerance() -> None:
    assert compare(Model(x=1.0 + 1e-12), Model(x=1.0), close(rtol=1e-9))


@pytest.mark.filterwarnings("ignore:Core Pydantic V1 functionality:UserWarning")
def test_models_of_the_first_pydantic_are_compared_by_field_too() -> None:
    first = pytest.importorskip("pydantic.v1")

    class Old(first.BaseModel):  # type: ignore[misc, name-defined]
        x: float = 0.0

    check_equal(Old(), Old(x=0.0))
    check_different(Old(x=0.0), Old(x=-0.0), "sign-of-zero")


def test_a_model_with_an_eq_of_its_own_is_equal_by_that() -> None:
    comparison = compare(Judging(x=1), Judging(x=2))
    assert comparison
    assert [note.text for note in comparison.notes] == ["equal by Judging.__eq__"]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="without `__replace__`")
def test_a_class_of_attrs_is_the_same_whichever_class_attrs_has_made_last() -> None:
    def make(size: int) -> Any:
        @attrs.define
        class Grid:
            width: int = size

        return Grid

    here, there, changed = make(2), make(2), make(3)
    ours = there.__replace__
    # It arrives as a copy, with the name that it had in the worker.
    there.__replace__ = FunctionType(ours.__code__, ours.__globals__, closure=ours.__closure__)
    there.__replace__.__qualname__ = "Other.evolve"
    assert compare(there, here)
    assert compare(there(4), here(4))
    assert not compare(changed, here)
