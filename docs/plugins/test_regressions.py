"""`num_regression`, `data_regression`, `file_regression` (pytest-regressions).

packages: pytest-datadir pytest-regressions numpy pandas
store: --force-regen
note: a worker stores no result: a case without a stored one is plain, as are all with `--force-regen`
"""

import os

import numpy as np
import pytest

N = pytest.mark.parametrize("n", range(2))


SHIFT = 0 if "STORING" in os.environ else 1


@N
def test_numbers(n, num_regression):
    num_regression.check({"a": np.arange(3.0) * n})
    return n


@N
def test_data(n, data_regression):
    data_regression.check({"n": n})
    return n


@N
def test_file(n, file_regression):
    file_regression.check(str(n))
    return n


@N
def test_fails(n, num_regression):
    num_regression.check({"a": np.arange(3.0) * (n + SHIFT)})
    return n
