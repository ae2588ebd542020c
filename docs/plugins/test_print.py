"""`printer` (pytest-print).

packages: pytest-print
options: --print
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, printer):
    printer(f"step {n}")
    return n


@N
def test_pretty(n, pretty_printer):
    pretty_printer("step")
    return n


@N
def test_fails(n, printer):
    printer("step")
    assert n == 7
