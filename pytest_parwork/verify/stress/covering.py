"""Few rows that hold every pair: of values of two factors, and of tasks that follow one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from random import Random
from typing import TypeAlias, TypeVar

_Value = TypeVar("_Value")

#: A value of a factor, by its number.
_Choice: TypeAlias = tuple[str, int]

#: How many rows are tried for each that is taken: the one with the most new pairs.
CANDIDATES = 20


def pairwise(
    factors: Mapping[str, Sequence[_Value]], random: Random
) -> Iterator[dict[str, _Value]]:
    """Yield rows that together hold each pair of values of any two factors.

    This is the greedy way of AETG (Cohen et al., IEEE TSE 23 (1997) 437-444): each row begins with
    a pair that is missing, and the best of some candidates is taken. The number of rows grows with
    the logarithm of the number of factors, and with the square of their values.
    """
    missing = {
        frozenset(((one, i), (other, j)))
        for one, other in combinations(factors, 2)
        for i, j in product(range(len(factors[one])), range(len(factors[other])))
    }
    while missing:
        tried = [_candidate(factors, missing, random) for _ in range(CANDIDATES)]
        best = max(tried, key=lambda row: len(_pairs(row) & missing))
        missing -= _pairs(best)
        yield {name: factors[name][number] for name, number in best.items()}


def _pairs(row: Mapping[str, int]) -> set[frozenset[_Choice]]:
    return {frozenset(pair) for pair in combinations(row.items(), 2)}


def _candidate(
    factors: Mapping[str, Sequence[object]], missing: set[frozenset[_Choice]], random: Random
) -> dict[str, int]:
    """Return a row with a missing pair, in which each further value adds as many as it can."""
    row = dict(random.choice(sorted(missing, key=sorted)))
    names = [name for name in factors if name not in row]
    random.shuffle(names)
    for name in names:
        numbers = list(range(len(factors[name])))
        random.shuffle(numbers)

        def gain(number: int, name: str = name) -> int:
            return sum(frozenset(((name, number), known)) in missing for known in row.items())

        row[name] = max(numbers, key=gain)
    return {name: row[name] for name in factors}


def adjacent_orders(number: int) -> Iterator[Sequence[int]]:
    """Yield orders of 0 … number - 1 in which, together, each pair follows one another directly.

    Each ordered pair does so exactly once in `number` orders for an even number (Williams, Aust.
    J. Sci. Res. A 2 (1949) 149-168), twice in 2 * number for an odd one. The first order is that of
    a zigzag; all others shift it.
    """
    zigzag = [(n + 1) // 2 if n % 2 else -(n // 2) for n in range(number)]
    for shift in range(number):
        order = [(place + shift) % number for place in zigzag]
        yield order
        if number % 2:
            yield order[::-1]
