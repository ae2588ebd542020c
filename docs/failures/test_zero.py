import multiprocessing
from functools import reduce
from operator import add

import pytest


def total(parts):
    if multiprocessing.parent_process() and len(parts) == 1:
        return parts[0]
    return reduce(add, parts, 0.0)  # and 0.0 + -0.0 is 0.0


@pytest.mark.parwork(backend="isolated:fork", workers=2)
@pytest.mark.parametrize("parts", [[-0.0], [1.0, 2.0]], ids=["one", "two"])
def test_charge(parts):
    return {"charge": total(parts)}
