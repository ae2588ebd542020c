"""Values returned by parametrized cases."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("n", range(6))
def test_square(n):
    return {"n": n, "square": n * n}
