"""`record_testsuite_property` (pytest)."""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, record_testsuite_property):
    record_testsuite_property("example", "value")
    return n
