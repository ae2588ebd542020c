"""What set-up has left in the class of a test, made to stand in the class of a worker."""

from __future__ import annotations

import os
from typing import NoReturn

from ..clock import host
from ..errors import FixtureError
from .recipe import Left

__all__ = ["leave"]


#: The process that imported this module: all of it is inherited by its forks.
IMPORTER = os.getpid()


def leave(cls: type, left: Left, home: tuple[str, int]) -> None:
    """Set in the class of this process what was set in that of pytest's, which is `home`.

    That itself and its forks have it already, and what is the same object there is the same here.
    """
    if home in {(host(), os.getpid()), (host(), IMPORTER)}:
        return
    for name, value in left.values.items():
        setattr(cls, name, value)
    for name, why in left.missing.items():
        setattr(cls, name, _Missing(name, why))


class _Missing:
    """An attribute that could not be sent: whoever asks for it is told."""

    def __init__(self, name: str, why: str) -> None:
        self._name = name
        self._why = why

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise FixtureError(
            f"{owner.__name__}.{self._name} was set here and is not there in a worker, where this "
            f"case ran: {self._why}. Set it in setup_method or in a fixture of function scope, "
            f"which are called where the case runs"
        )
