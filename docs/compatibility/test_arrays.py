"""NumPy arrays as parameters and results."""

import numpy as np
import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("data", [np.arange(5.0), np.ones((3, 2))])
def test_sum(data):
    return data * 2
