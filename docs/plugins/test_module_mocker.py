"""`module_mocker` and its siblings of wide scope (pytest-mock).

packages: pytest-mock
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


def helper(n):
    return n


@pytest.fixture(scope="module")
def patched(module_mocker):
    return module_mocker.patch(f"{__name__}.helper", return_value=100)


@N
def test_it(n, patched):
    return helper(n)


@N
def test_class(n, class_mocker):
    class_mocker.patch(f"{__name__}.helper", return_value=n)
    return helper(7)
