"""A fixture that seeds the global generators: in processes each worker has its own."""

import random

import numpy as np
import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.fixture(autouse=True)
def seed():
    random.seed(7)
    np.random.seed(7)


@pytest.mark.parametrize("n", range(4))
def test_draw(n):
    return n, random.random(), float(np.random.random())
