"""`pytest.skip`, `raises` and `approx` inside a body."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("n", range(3))
def test_inside(n):
    if n == 2:
        pytest.skip("not this one")
    with pytest.raises(ZeroDivisionError):
        n / 0
    assert pytest.approx(0.3) == 0.1 + 0.2
    return n
