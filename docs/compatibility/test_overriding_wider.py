"""A fixture that overrides one of wider scope, and asks for it."""

import pytest


@pytest.fixture(scope="module")
def numbers():
    return [1, 2]


class TestMore:
    @pytest.fixture
    def numbers(self, numbers):
        return [*numbers, 3]

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_it(self, n, numbers):
        return [n * number for number in numbers]
