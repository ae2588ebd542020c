"""The relation `exact` between values of xarray, as a table of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from relation.checks import check_different, check_equal, check_pickled_copy

from pytest_parwork.equivalence import close, compare

xr = pytest.importorskip("xarray")
pd = pytest.importorskip("pandas")

NAN = float("nan")
LEVELS = pd.MultiIndex.from_product([[1, 2], ["a", "b"]], names=["p", "q"])


def array(values: Any = (1.0, 2.0), **settings: Any) -> Any:
    coords = settings.pop("coords", {"x": [10, 20], "label": ("x", ["a", "b"])})
    return xr.DataArray(np.array(values), **{"dims": "x", "coords": coords, "name": "t"} | settings)


def dataset(**variables: Any) -> Any:
    return xr.Dataset(
        {"t": ("x", [1.0, NAN]), "n": ("y", [1, 2, 3])} | variables,
        coords={"x": [10, 20]},
        attrs={"unit": "K"},
    )


def variable(values: Any = (1.0, NAN), **settings: Any) -> Any:
    return xr.Variable("x", np.array(values), **settings)


def indexed() -> Any:
    coords = xr.Coordinates.from_pandas_multiindex(LEVELS, "z")
    return xr.DataArray(np.arange(4.0), dims="z", coords=coords)


def tree(value: float = 1.0, root: str = "K") -> Any:
    return xr.DataTree.from_dict(
        {"/": xr.Dataset(attrs={"unit": root}), "/a/b": dataset(v=("x", [value, 2.0]))}, name="r"
    )


EQUAL: dict[str, tuple[Any, Any]] = {
    "arrays": (array(attrs={"a": np.zeros(2)}), array(attrs={"a": np.zeros(2)})),
    "no coordinates": (array(coords={}), array(coords={})),
    "no dimensions": (xr.DataArray(1.5), xr.DataArray(1.5)),
    "encoding": (array(), array().copy()),
    "variables": (variable(), variable()),
    "index variables": (xr.IndexVariable("x", [1, 2]), xr.IndexVariable("x", [1, 2])),
    "datasets": (dataset(), dataset()),
    "several levels": (indexed(), indexed()),
    "dates": (
        variable(np.array(["2024", "NaT"], "M8[ns]")),
        variable(np.array(["2024", "NaT"], "M8[ns]")),
    ),
    "dates as an index": (
        array(coords={"x": pd.date_range("2024", periods=2)}),
        array(coords={"x": pd.date_range("2024", periods=2)}),
    ),
    "text": (array(["a", "b"]), array(["a", "b"])),
    "objects": (variable(np.array([{1}, None])), variable(np.array([{1}, None]))),
}
EQUAL["encoding"][0].encoding["dtype"] = "int16"

DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    "elements": (array(), array([1.0, 3.0]), "value"),
    "zeros": (array([0.0, 1.0]), array([-0.0, 1.0]), "sign-of-zero"),
    "data types": (array([1, 2]), array(np.array([1, 2], "i4")), "dtype"),
    "data types of a dataset": (
        dataset(m=("x", np.array([1, 2]))),
        dataset(m=("x", np.array([1, 2], "i4"))),
        "dtype",
    ),
    "names": (array(), array(name="u"), "value"),
    "attrs": (array(attrs={"a": 1}), array(attrs={"a": 1.0}), "type"),
    "dimensions": (array(coords={}), array(coords={}, dims="y"), "value"),
    "shapes": (variable(), variable([1.0]), "shape"),
    "coordinates": (array(), array().assign_coords(x=[10, 30]), "value"),
    "data types of coordinates": (array(), array().assign_coords(x=[10.0, 20.0]), "dtype"),
    "a coordinate more": (array().assign_coords(u=1), array(), "extra"),
    "attrs of coordinates": (
        array(),
        array().assign_coords(x=("x", [10, 20], {"unit": "m"})),
        "missing",
    ),
    "an index and none": (array(), array().drop_indexes("x"), "extra"),
    "levels": (indexed(), indexed().isel(z=[0, 1, 3, 2]), "value"),
    "a variable more": (dataset(u=1), dataset(), "extra"),
    "variables": (dataset(), dataset(t=("x", [1.0, 2.0])), "value"),
    "coordinate and variable": (dataset(u=1), dataset(u=1).set_coords("u"), "extra"),
    "attrs of datasets": (dataset(), dataset().assign_attrs(unit="C"), "value"),
    "array and variable": (array(), array().variable, "type"),
}
if hasattr(xr, "DataTree"):
    EQUAL["trees"] = (tree(), tree())
    DIFFERENT["trees"] = (tree(), tree(3.0), "value")
    DIFFERENT["roots of trees"] = (tree(), tree(root="C"), "value")


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL)
def test_values_that_are_the_same_are_equal(left: object, right: object) -> None:
    check_equal(left, right)


@pytest.mark.parametrize(("left", "right", "kind"), DIFFERENT.values(), ids=DIFFERENT)
def test_values_that_are_not_the_same_differ(left: object, right: object, kind: str) -> None:
    check_different(left, right, kind)


@pytest.mark.parametrize("name", EQUAL)
def test_a_value_equals_its_pickled_copy(name: str) -> None:
    check_pickled_copy(EQUAL[name][0])


def test_datasets_in_another_order_get_a_note() -> None:
    base = dataset()
    comparison = compare(base[["n", "t"]].assign_attrs(base.attrs), base)
    assert comparison
    assert {note.kind for note in comparison.notes} == {"dict-order"}


def path(actual: Any, expected: Any) -> str:
    """Return the path of the only mismatch."""
    (mismatch,) = compare(actual, expected).mismatches
    return mismatch.path


def test_a_path_reads_like_code() -> None:
    assert path(array(), array([1.0, 3.0])) == "[1]"
    assert path(array(), array().assign_coords(x=[10, 30])) == ".coords['x'][1]"
    assert path(dataset(), dataset(t=("x", [1.0, 2.0]))) == "['t'][1]"
    assert path(dataset(), dataset().assign_attrs(unit="C")) == ".attrs['unit']"
    grid = xr.Variable(("x", "y"), np.zeros((2, 3)))
    assert path(grid, xr.Variable(("x", "y"), np.eye(2, 3))) == "[0, 0]"


@pytest.mark.skipif(not hasattr(xr, "DataTree"), reason="xarray before 2024.10")
def test_a_path_leads_through_a_tree() -> None:
    assert path(tree(), tree(3.0)) == ".children['a'].children['b'].dataset['v'][0]"


@pytest.mark.parametrize("make", [array, dataset, lambda: array().variable], ids="ADV")
def test_an_uncomputed_value_gets_advice(make: Any) -> None:
    comparison = compare(make().chunk(), make().chunk())
    assert {mismatch.kind for mismatch in comparison.mismatches} == {"uncomparable"}
    assert ".compute()" in comparison.mismatches[0].difference
    assert compare(make().chunk().compute(scheduler="synchronous"), make())


def test_the_numbers_inside_are_open_to_a_tolerance() -> None:
    near = dataset(t=("x", [1.0 + 1e-12, NAN]))
    assert not compare(near, dataset())
    assert compare(near, dataset(), close(rtol=1e-9))


class Measured(xr.DataArray):  # type: ignore[misc, name-defined]  # xarray is not typed here
    __slots__ = ("device",)


def measured(device: str) -> Any:
    value = Measured([1.0, 2.0])
    value.device = device
    return value


def test_attributes_of_a_subclass_are_compared() -> None:
    assert compare(measured("a"), measured("a"))
    assert path(measured("a"), measured("b")) == ".device"


class Kilometres(pytest.importorskip("xarray.indexes").PandasIndex):  # type: ignore[misc]  # xarray is not typed here
    """An index of a project's own, which is a pandas index nevertheless."""


def test_an_index_of_another_class_differs() -> None:
    plain = array(coords={"x": [10, 20]})
    own = plain.drop_indexes("x").set_xindex("x", Kilometres)
    assert path(own, plain) == ".xindexes['x']"
