import multiprocessing
from functools import reduce
from operator import add

import pytest


def total(values):
    if multiprocessing.parent_process():  # in a worker, with nobody to share the work
        return reduce(add, values)
    return reduce(add, [reduce(add, values[start::4]) for start in range(4)])


@pytest.mark.parwork(backend=["threads", "isolated:fork"], workers=2)
@pytest.mark.parametrize("scale", [1, 2])
def test_total(scale):
    return total([scale * 0.1 * n for n in range(1, 11)])
