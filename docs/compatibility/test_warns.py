"""`pytest.warns` inside a body."""

import warnings

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("n", range(3))
def test_warned(n):
    with pytest.warns(UserWarning, match="careful"):
        warnings.warn("careful", stacklevel=1)
    return n
