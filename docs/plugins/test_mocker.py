"""`mocker` (pytest-mock).

packages: pytest-mock
note: it patches the whole process
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


def helper(n):
    return n


@N
def test_it(n, mocker):
    patched = mocker.patch(f"{__name__}.helper", return_value=n + 100)
    found = helper(n)
    patched.assert_called_once_with(n)
    return found


@N
def test_fails(n, mocker):
    patched = mocker.patch(f"{__name__}.helper", return_value=n + 100)
    patched.assert_called_once_with(n)
