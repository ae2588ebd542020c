"""Under which address a public name shows itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

#: What authors of backends import from.
BACKENDS = "pytest_parwork.backends"

Named = TypeVar("Named", bound=Callable[..., Any])


def public(address: str = "pytest_parwork") -> Callable[[Named], Named]:
    """Have a class or function show the module that users import it from, not where it is written.

    Tracebacks, reprs and pickles then hold the public name, which stays when the file moves. It
    goes above `@dataclass`, which looks up annotations in the module that a class is written in.
    """

    def rename(named: Named) -> Named:
        named.__module__ = address
        return named

    return rename
