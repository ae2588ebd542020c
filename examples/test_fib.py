"""Thirty-five Fibonacci numbers, the last of which takes as long as several others together."""

import pytest


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@pytest.mark.parwork(backend="processes", workers=2)
@pytest.mark.parametrize("n", range(35))
def test_fib(n: int) -> int:
    return fib(n)
