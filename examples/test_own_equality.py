"""Cases that return a class of the project, which the conftest.py alongside compares."""

import pytest
from matrix import Matrix


def rotation(size: int) -> Matrix:
    return Matrix((size, size), {(i, (i + 1) % size): 1.0 for i in range(size)})


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("size", [3, 4, 5, 6])
def test_square_of_a_rotation(size: int) -> dict[str, object]:
    return {"size": size, "square": rotation(size) @ rotation(size)}
