"""What the code of tests and fixtures shows before it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any


def constants_around(name: str, function: Callable[..., Any]) -> Iterator[str]:
    """Yield the texts that are constants of the code in a function that uses a name."""
    for code in codes_of(function):
        if name in code.co_names:
            yield from (value for value in code.co_consts if type(value) is str)


def codes_of(function: Callable[..., Any]) -> Iterator[CodeType]:
    """Yield the code of a function, and of the functions inside it."""
    code = getattr(function, "__code__", None)
    left = [code] if isinstance(code, CodeType) else []
    while left:
        code = left.pop()
        yield code
        left += [value for value in code.co_consts if isinstance(value, CodeType)]
