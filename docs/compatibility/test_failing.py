"""The same exception in both runs: the case fails as it does serially."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.xfail(raises=ZeroDivisionError, strict=True)
def test_division(n):
    return 1 / 0
