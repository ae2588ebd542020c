"""`subtests` (pytest 9).

note: subtests report to pytest while the case runs
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, subtests):
    for i in range(3):
        with subtests.test(i=i):
            assert i >= 0
    return n


@N
def test_fails(n, subtests):
    for i in range(3):
        with subtests.test(i=i):
            assert i != n
    return n
