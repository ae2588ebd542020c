"""`variables` (pytest-variables).

packages: pytest-variables
options: --variables=variables.json
files: variables.json={"x":7}
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, variables):
    return variables["x"] + n


@N
def test_fails(n, variables):
    assert variables["x"] == n
