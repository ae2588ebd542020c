"""What set-up has left in the class of a test, made to stand in the class of a worker."""

from __future__ import annotations

from typing import NoReturn

from ..errors import FixtureError
from .recipe import Left

__all__ = ["leave"]


def leave(cls: type, left: Left) -> None:
    """Set in the class of this process what was set in that of pytest's.

    Where that was inherited by a fork, what cannot be sent is there already.
    """
    for name, value in left.values.items():
        setattr(cls, name, value)
    for name, why in left.missing.items():
        if name not in vars(cls):
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
