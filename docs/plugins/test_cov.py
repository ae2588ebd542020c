"""`--cov` (pytest-cov).

packages: pytest-cov
options: --cov=.
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    return n


@N
def test_context(n, cov):
    return cov is None
