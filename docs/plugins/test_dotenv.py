"""`env_files` (pytest-dotenv).

packages: pytest-dotenv
files: .env=EXAMPLE=seven
"""

import os

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    return os.environ["EXAMPLE"]
