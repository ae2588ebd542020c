"""NumPy 2.4.6: print options are a context variable, which a new thread does not inherit.

Confirmed by hand: in a copy of the context of the caller, texts are the same. Report: numpy
#32014.
"""

import numpy as np
import pytest


@pytest.fixture(scope="module", autouse=True)
def short():
    with np.printoptions(precision=3):
        yield


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_text(n):
    return str(np.sqrt(np.arange(5.0) + n))
