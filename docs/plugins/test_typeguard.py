"""`typechecked`, `--typeguard-packages` (typeguard).

packages: typeguard
options: --typeguard-packages=json
"""

import pytest
from typeguard import typechecked

N = pytest.mark.parametrize("n", range(2))


@typechecked
def double(n: int) -> int:
    return 2 * n


@N
def test_it(n):
    return double(n)


@N
def test_fails(n):
    return double(str(n))
