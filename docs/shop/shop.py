"""A small project whose suite has no marks of parwork."""

from __future__ import annotations


def price(net: int, *, tax: int = 20) -> int:
    """Return a price with its tax, in cents."""
    return net + net * tax // 100


def discount(amount: int, share: int) -> int:
    """Return what is left of an amount after a discount of so many per cent."""
    return amount - amount * share // 100
