"""`subtests` of pytest 9."""

import pytest


@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("n", range(3))
def test_it(n, subtests):
    for i in range(2):
        with subtests.test("part", i=i):
            assert i <= n + 1
    return n
