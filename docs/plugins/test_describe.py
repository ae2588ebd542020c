"""`describe_` blocks (pytest-describe).

packages: pytest-describe
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


def describe_number():
    @pytest.fixture
    def number():
        return 7

    @N
    def it_is_there(number, n):
        return number + n

    @N
    def it_fails(number, n):
        assert number == n
