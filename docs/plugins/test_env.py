"""`env` of the ini file (pytest-env).

packages: pytest-env
ini: env = EXAMPLE=seven
"""

import os

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    return os.environ["EXAMPLE"]
