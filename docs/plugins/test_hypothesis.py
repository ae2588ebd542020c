"""`@given` (hypothesis).

packages: hypothesis
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

N = pytest.mark.parametrize("n", range(2))


@N
@given(x=st.integers())
def test_it(n, x):
    assert x + n - n == x


@N
@given(x=st.integers())
def test_fails(n, x):
    assert x < 100
