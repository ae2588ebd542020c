"""Every method of `multiprocessing.Pool` that calls a function, and workers forked and spawned."""

from math import isqrt

import pytest

from pytest_parwork import Parwork

METHODS = [
    "multiprocessing:map",
    "multiprocessing:starmap",
    "multiprocessing:apply",
    "multiprocessing:imap",
    "multiprocessing:imap_unordered",
    "multiprocessing:map_async",
    "multiprocessing:starmap_async",
    "multiprocessing:apply_async",
]


def is_prime(n: int) -> bool:
    return n > 1 and all(n % divisor for divisor in range(2, isqrt(n) + 1))


def count_primes(start: int, stop: int) -> int:
    return sum(map(is_prime, range(start, stop)))


@pytest.mark.parwork(backend=METHODS, workers=2)
@pytest.mark.parametrize("start", range(0, 100_000, 10_000))
def test_every_method(start: int) -> int:
    """Ten cases, submitted in eight ways: the same ten counts, in the same order."""
    return count_primes(start, start + 10_000)


@pytest.mark.parwork(backend=["multiprocessing:fork:map", "multiprocessing:spawn:map"], workers=2)
def test_map(parwork: Parwork) -> None:
    numbers = range(10**12, 10**12 + 100)

    run = parwork.map(is_prime, numbers)

    assert [n for n, prime in zip(numbers, run, strict=True) if prime] == [
        1_000_000_000_039,
        1_000_000_000_061,
        1_000_000_000_063,
        1_000_000_000_091,
    ]


@pytest.mark.parwork(
    backend=["multiprocessing:fork:starmap", "multiprocessing:spawn:starmap"], workers=2
)
def test_starmap(parwork: Parwork) -> None:
    run = parwork.starmap(count_primes, [(n, n + 10_000) for n in range(0, 100_000, 10_000)])

    assert sum(run) == 9592
