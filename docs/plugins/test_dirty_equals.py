"""`Is…` (dirty-equals).

packages: dirty-equals
"""

import pytest
from dirty_equals import IsInt, IsPartialDict

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    assert {"a": n, "b": 1} == IsPartialDict(a=IsInt)
    return n


@N
def test_fails(n):
    assert n == IsInt(gt=7)
