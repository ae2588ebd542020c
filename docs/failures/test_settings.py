import threading

import pytest

settings = threading.local()
settings.scale = 2.0  # in the thread that imports this module, and in no other


def scaled(n):
    return n * settings.scale


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("n", [1, 2])
def test_scaled(n):
    return scaled(n)
