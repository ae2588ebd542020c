"""`array_compare` (pytest-arraydiff).

packages: pytest-arraydiff
options: --arraydiff
store: --arraydiff-generate-path=reference
note: the returned array is compared, then given to the plugin
"""

import os

import numpy as np
import pytest

N = pytest.mark.parametrize("n", range(2))


SHIFT = 0 if "STORING" in os.environ else 1


@pytest.mark.array_compare(reference_dir="reference")
@N
def test_it(n):
    return np.arange(3) * n


@pytest.mark.array_compare(reference_dir="reference")
@N
def test_fails(n):
    return np.arange(3) * (n + SHIFT)
