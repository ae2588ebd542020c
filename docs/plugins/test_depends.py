"""`depends` (pytest-depends).

packages: pytest-depends
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.depends(name="first")
@N
def test_it(n):
    assert n == 0


@pytest.mark.depends(on=["first"])
@N
def test_runs(n):
    return n
