"""The advice for what dask has not computed, and other classes of its own."""

from __future__ import annotations

from typing import Any

import dask
import dask.array
import dask.bag
import distributed
import pytest

from pytest_parwork.equivalence import compare, libraries

COLLECTIONS: dict[str, Any] = {
    "array": dask.array.zeros(3),
    "bag": dask.bag.from_sequence([1]),
    "delayed": dask.delayed(len)([]),
}


@pytest.mark.parametrize("name", COLLECTIONS)
def test_an_uncomputed_dask_collection_gets_advice(name: str) -> None:
    (mismatch,) = compare(COLLECTIONS[name], COLLECTIONS[name]).mismatches
    assert mismatch.kind == "uncomparable"
    assert ".compute()" in mismatch.difference


def test_a_future_gets_advice() -> None:
    comparer = libraries.find(distributed.Future)
    assert comparer is not None
    (finding,) = comparer(None, None, None)  # type: ignore[arg-type]  # it asks nothing of it
    assert ".result()" in str(finding)


def test_other_classes_of_a_library_follow_the_general_rules() -> None:
    assert libraries.find(distributed.Client) is None
    assert libraries.find(int) is None
