"""The suite of the shop."""

from __future__ import annotations

import pytest
from shop import discount, price


@pytest.mark.parametrize("net", range(20))
def test_price(net: int) -> None:
    assert price(net * 100) == net * 120


def test_discount() -> None:
    assert discount(1000, 10) == 900


def test_total() -> None:
    assert sum(price(net) for net in (100, 200)) == 360


@pytest.mark.parwork(backend="serial")
def test_that_needs_the_only_printer() -> None:
    assert price(0) == 0


def test_the_plugin_of_the_shop(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest("-q").assert_outcomes(passed=1)
