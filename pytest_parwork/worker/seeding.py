"""The seeding of global random generators before a case, as by pytest-randomly in its process."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any

from ..model.work import Address
from ..transport.addresses import find


def reseed(seed: int) -> None:
    """Seed `random`, and NumPy's legacy generator where NumPy is installed."""
    random.seed(seed)
    numpy_random = _numpy_random()
    if numpy_random is not None:
        numpy_random.seed(seed % 2**32)


def reseed_setup(seed: int) -> None:
    """Seed for the set-up of a case whose body gets `seed`, so that no number comes twice."""
    reseed(seed - 1)


@cache
def _numpy_random() -> Any:
    """Import it even if nothing has yet: pytest-randomly does, and a case may do so later."""
    try:
        from numpy import random
    except ImportError:
        return None
    return random


class Reseeded:
    """Call a function with the generators seeded; takes the seed before the arguments.

    If there is an address, that is sent instead of the function.
    """

    __slots__ = ("_address", "_function")

    def __init__(self, function: Callable[..., object] | None, address: Address | None) -> None:
        self._function = function
        self._address = address

    def __reduce__(self) -> tuple[type[Reseeded], tuple[Any, Address | None]]:
        return Reseeded, (self._function if self._address is None else None, self._address)

    def __call__(self, seed: int, /, *args: object, **kwargs: object) -> object:
        function = self._function
        if function is None:
            assert self._address is not None
            function = find(self._address)
        reseed(seed)
        return function(*args, **kwargs)
