"""`snapshot` (pytest-snapshot).

packages: pytest-snapshot
store: --snapshot-update
"""

import os

import pytest

N = pytest.mark.parametrize("n", range(2))


SHIFT = 0 if "STORING" in os.environ else 1


@N
def test_it(n, snapshot):
    snapshot.assert_match(str(n), "number.txt")


@N
def test_fails(n, snapshot):
    snapshot.assert_match(str(n + SHIFT), "number.txt")
