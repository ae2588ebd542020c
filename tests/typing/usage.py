"""The public API as a user writes it: checked by mypy, where a needless ignore is an error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from pytest_parwork import (
    Comparison,
    LostError,
    MismatchError,
    Parwork,
    ParworkError,
    Run,
    close,
    compare,
    exact,
    parwork,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type


def is_near(actual: float, expected: float) -> bool:
    return math.isclose(actual, expected)


@pytest.mark.parwork
@pytest.mark.parametrize("n", range(3))
def test_plain_marker(n: int) -> int:
    return n


@parwork
@pytest.mark.parametrize("n", range(3))
def test_typed_marker(n: int) -> int:
    return n


@parwork(backend=["threads", "joblib:loky"], workers=[2, "auto"], verify=0.5, chunksize=4)
@pytest.mark.parametrize("n", range(3))
def test_matrix(n: int) -> float:
    return n / 3


@parwork(backend="processes", workers=2, compare=close(rtol=1e-9), min_speedup=1.5)
@pytest.mark.parametrize("n", range(3))
def test_policy(n: int) -> float:
    return n / 3


@parwork(vary={"n_jobs": [1, 2, pytest.param(-1, id="all")], "engine": ("numpy", "numexpr")})
def test_vary(n_jobs: int, engine: str) -> int:
    return n_jobs


@parwork(inside=["joblib:threading", "native"], workers=[2, "auto"], compare=close(rtol=1e-9))
def test_inside() -> float:
    return 1 / 3


@parwork(compare=is_near)
@pytest.mark.parametrize("n", range(3))
def test_function_as_policy(n: int) -> float:
    return n / 3


pytestmark = [parwork(workers=2)]
param = pytest.param(1, marks=parwork(compare=exact()))


def test_calls(parwork: Parwork) -> None:
    run = parwork.map(math.hypot, [3, 5], [4, 12], backend="threads", workers=2, verify=1)
    assert_type(run, "Run[float]")
    assert_type(run[0], float)
    assert run == [5.0, 13.0]
    assert max(run) < 20
    assert_type(run.speedup, "float | None")
    assert_type(run.comparison, "Comparison | None")
    assert_type(run[:1], "list[float]")
    counts = parwork.starmap(math.comb, [(4, 2), (5, 2)])
    assert_type(counts, "Run[int]")
    untyped: Run = counts
    assert_type(untyped[0], Any)
    assert sum(parwork.starmap(math.comb, [(4, 2), (5, 2)], compare=is_near)) == 16


def test_errors(parwork: Parwork) -> None:
    with pytest.raises(AssertionError) as caught:
        parwork.map(id, [object()])
    assert isinstance(caught.value, MismatchError | LostError | ParworkError)


def test_compare() -> None:
    found = compare([0.1 + 0.2], [0.3], close(rtol=1e-9))
    assert_type(found, Comparison)
    assert found, str(found)
    assert [mismatch.path for mismatch in compare([1], [2]).mismatches] == ["[0]"]


def misuse() -> Any:
    parwork(worker=2)  # type: ignore[call-overload]
    parwork(workers="many")  # type: ignore[arg-type]
    parwork("threads")  # type: ignore[call-overload]
    close(1e-9)  # type: ignore[call-arg]
    close(atol=1e-9)  # type: ignore[call-arg]
