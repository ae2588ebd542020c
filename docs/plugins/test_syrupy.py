"""`snapshot` (syrupy).

packages: syrupy
store: --snapshot-update
"""

import os

import pytest

N = pytest.mark.parametrize("n", range(2))


SHIFT = 0 if "STORING" in os.environ else 1


@N
def test_it(n, snapshot):
    assert {"n": n} == snapshot


@N
def test_fails(n, snapshot):
    assert {"n": n + SHIFT} == snapshot
