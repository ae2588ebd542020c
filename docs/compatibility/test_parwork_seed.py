"""`parwork_seed`."""

import random

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("n", range(3))
def test_seed(n, parwork_seed):
    return random.Random(parwork_seed).random()
