"""`snapshot` (pytest-insta).

packages: pytest-insta
options: --insta=update-none
store: --insta=update
"""

import os

import pytest

N = pytest.mark.parametrize("n", range(2))


SHIFT = 0 if "STORING" in os.environ else 1


@N
def test_it(n, snapshot):
    assert snapshot(f"it-{n}.txt") == f"value {n}"


@N
def test_fails(n, snapshot):
    assert snapshot(f"fails-{n}.txt") == f"value {n + SHIFT}"
