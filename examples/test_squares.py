"""The squares of 0 to 999, as a loop of a thousand cases and as one map."""

import pytest

from pytest_parwork import Parwork


def square(x: int) -> int:
    return x * x


@pytest.mark.parwork(backend="joblib", workers=2)
@pytest.mark.parametrize("x", range(1000))
def test_loop(x: int) -> int:
    return square(x)


def test_map(parwork: Parwork) -> None:
    squares = parwork.map(square, range(1000), backend="joblib", workers=2)

    assert squares == [x * x for x in range(1000)]
