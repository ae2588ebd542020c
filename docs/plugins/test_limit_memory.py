"""`limit_memory` (pytest-memray).

packages: pytest-memray
options: --memray
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.limit_memory("100 MB")
@N
def test_it(n):
    return len(bytearray(1000))


@pytest.mark.limit_memory("1 MB")
@N
def test_fails(n):
    return len([bytearray(10_000_000) for _ in range(3)])
