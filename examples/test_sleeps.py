"""Ten one-second sleeps, two at a time: about five seconds instead of ten."""

import time

import pytest


@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("number", range(10))
def test_sleep(number: int) -> int:
    time.sleep(1)
    return number
