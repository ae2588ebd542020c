"""The relation `exact` between SciPy's sparse matrices and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from relation.checks import check_different, check_equal, check_pickled_copy

from pytest_parwork.equivalence import close, compare

sparse = pytest.importorskip("scipy.sparse")

FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
NAN = float("nan")
GRID = np.array([[0.0, 1.5, 0.0, 2.0], [0.0, 0.0, NAN, 0.0], [3.0, 0.0, 0.0, 4.0]])


def make(format: str, grid: Any = GRID, kind: str = "array") -> Any:
    return getattr(sparse, f"{format}_{kind}")(grid)


def coo(values: Any, rows: Any, columns: Any, shape: Any = (3, 4)) -> Any:
    return sparse.coo_array((values, (rows, columns)), shape=shape)


def csr(values: Any, indices: Any, indptr: Any, shape: Any = (2, 3)) -> Any:
    return sparse.csr_array((values, indices, indptr), shape=shape)


def wide(matrix: Any) -> Any:
    """Return a matrix with indices of 64 bits."""
    matrix.indices, matrix.indptr = matrix.indices.astype("i8"), matrix.indptr.astype("i8")
    return matrix


EQUAL: dict[str, tuple[Any, Any]] = {
    **{name: (make(name), make(name)) for name in FORMATS},
    **{f"{name}_matrix": (make(name, kind="matrix"),) * 2 for name in FORMATS},
    "nothing": (make("csr", np.zeros((0, 3))), make("csr", np.zeros((0, 3)))),
    "another order": (
        csr([1.0, 2.0, 3.0], [2, 0, 1], [0, 2, 3]),
        csr([2.0, 1.0, 3.0], [0, 2, 1], [0, 2, 3]),
    ),
    "another order of triplets": (coo([1.0, 2.0], [0, 1], [1, 0]), coo([2.0, 1.0], [1, 0], [0, 1])),
    "parts that add up": (coo([1.0, 2.0], [0, 0], [1, 1]), coo([3.0], [0], [1])),
    "another order of diagonals": (
        sparse.dia_array((np.ones((2, 4)), [0, 1]), shape=(4, 4)),
        sparse.dia_array((np.ones((2, 4)), [1, 0]), shape=(4, 4)),
    ),
    "beyond a diagonal": (
        sparse.dia_array((np.array([[9.0, 1.0]]), [1]), shape=(2, 2)),
        sparse.dia_array((np.array([[7.0, 1.0]]), [1]), shape=(2, 2)),
    ),
    "indices of 64 bits": (make("csr"), wide(make("csr"))),
    "complex": (make("csc", GRID * 1j), make("csc", GRID * 1j)),
    "bools": (make("csr", GRID > 1), make("csr", GRID > 1)),
    "a huge shape": (
        coo([1.0], [2**40], [2**40], (2**41, 2**41)),
        coo([1.0], [2**40], [2**40], (2**41, 2**41)),
    ),
}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL)
def test_matrices_that_are_the_same_are_equal(left: object, right: object) -> None:
    check_equal(left, right)


@pytest.mark.parametrize("name", EQUAL)
def test_a_matrix_equals_its_pickled_copy(name: str) -> None:
    check_pickled_copy(EQUAL[name][0])


def edit(index: Any, value: float) -> Any:
    grid = GRID.copy()
    grid[index] = value
    return grid


@pytest.mark.parametrize("name", FORMATS)
def test_an_element_that_differs_is_found_wherever_it_is(name: str) -> None:
    for index, old in np.ndenumerate(GRID):
        for new in (7.5, 0.0):
            if new != old:
                left, right = make(name, edit(index, new)), make(name)
                check_different(left, right, "value")
                mismatch = compare(left, right).mismatches[-1]
                assert (mismatch.path, mismatch.actual) == (f"[{index[0]}, {index[1]}]", str(new))


def stored(name: str, zero: float) -> Any:
    """Return a matrix with a stored zero."""
    matrix = make(name, np.array([[1.0, 5.0], [3.0, 4.0]]))
    if name in ("dok", "lil"):
        matrix = make(name, np.array([[1.0, 0.0], [3.0, 4.0]]))
        if name == "dok":
            dict.__setitem__(matrix._dict, (0, 1), np.float64(zero))
        else:
            matrix.rows[0], matrix.data[0] = [0, 1], [1.0, zero]
    else:
        matrix.data[matrix.data == 5.0] = zero
    return matrix


@pytest.mark.parametrize("name", FORMATS)
def test_the_sign_of_a_stored_zero_counts(name: str) -> None:
    check_equal(stored(name, -0.0), stored(name, -0.0))
    check_different(stored(name, -0.0), stored(name, 0.0), "sign-of-zero")
    nothing = make(name, np.array([[1.0, 0.0], [3.0, 4.0]]))
    check_different(stored(name, -0.0), nothing, "sign-of-zero")
    assert compare(stored(name, 0.0), nothing)


DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    "formats": (make("csr"), make("csc"), "type"),
    "array and matrix": (make("csr"), make("csr", kind="matrix"), "type"),
    "sparse and not": (make("csr"), GRID, "type"),
    "data types": (make("csr"), make("csr", GRID.astype("f4")), "dtype"),
    "shapes": (make("csr"), make("csr", GRID[:2]), "shape"),
    "block sizes": (
        sparse.bsr_array(np.eye(4), blocksize=(2, 2)),
        sparse.bsr_array(np.eye(4), blocksize=(1, 1)),
        "value",
    ),
    "entries far apart": (
        coo([1.0], [2**40], [2**40], (2**41, 2**41)),
        coo([1.0], [2**40], [1], (2**41, 2**41)),
        "value",
    ),
}


@pytest.mark.parametrize(("left", "right", "kind"), DIFFERENT.values(), ids=DIFFERENT)
def test_matrices_that_are_not_the_same_differ(left: object, right: object, kind: str) -> None:
    check_different(left, right, kind)


def test_a_mismatch_describes_the_whole_matrix() -> None:
    (mismatch,) = compare(
        coo([1.0, 2.0], [0, 1], [1, 2]), coo([1.0, 3.0], [0, 1], [1, 2])
    ).mismatches
    assert (mismatch.path, mismatch.array) == ("[1, 2]", "float64, shape (3, 4)")
    assert mismatch.difference.startswith("1 of 2 elements differ, at [1, 2]")


def test_an_explicit_zero_is_a_note() -> None:
    comparison = compare(coo([1.0, 0.0], [0, 1], [1, 2]), coo([1.0], [0], [1]))
    assert comparison
    (note,) = comparison.notes
    assert (note.kind, note.text) == ("explicit-zeros", "1 stored zeros, expected 0")


def test_the_numbers_inside_are_open_to_a_tolerance() -> None:
    assert not compare(make("csr", GRID * (1 + 1e-12)), make("csr"))
    assert compare(make("csr", GRID * (1 + 1e-12)), make("csr"), close(rtol=1e-9))
    assert compare(coo([1e-12], [0], [1]), coo([1.0], [0], [1])).mismatches[0].absolute == 1 - 1e-12
    assert compare(coo([1e-12], [0], [1]), coo([], [], []), close(rtol=0, atol=1e-9))


class Weighted(sparse.csr_array):  # type: ignore[misc, name-defined]  # SciPy is not typed here
    """A subclass, which may have more data than a matrix."""


def test_a_subclass_is_not_taken_for_a_matrix() -> None:
    check_different(Weighted(GRID), Weighted(GRID), "uncomparable")
