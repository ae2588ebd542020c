"""What libraries keep for a process or a thread, how it is read, and how it is set."""

from __future__ import annotations

import decimal
import locale
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .treatments import Function


@dataclass(frozen=True, slots=True)
class Context:
    """Set the context of a process before each call; names and values as `read_context` gives."""

    values: Mapping[str, object]

    def __call__(self, function: Function) -> Function:
        """Return the function with the context set before it."""

        def call(*args: object, **kwargs: object) -> object:
            for name, value in self.values.items():
                _FACTORS[name][1](value)
            return function(*args, **kwargs)

        return call


def reading_context(function: Function) -> Function:  # noqa: ARG001, it is not called
    """Return a function that returns the context before a call, in place of its result."""

    def call(*args: object, **kwargs: object) -> object:  # noqa: ARG001
        return read_context()

    return call


def read_context() -> dict[str, object]:
    """Return what libraries keep for the process or the thread, as far as they are loaded."""
    found: dict[str, object] = {}
    for name, (read, _) in _FACTORS.items():
        with suppress(Exception):
            found[name] = read()
    return found


def _decimal() -> object:
    now = decimal.getcontext()
    return now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp


def _set_decimal(value: Any) -> None:
    prec, rounding, low, high, capitals, clamp = value
    now = decimal.getcontext()
    decimal.setcontext(decimal.Context(prec, rounding, low, high, capitals, clamp))
    decimal.getcontext().traps = now.traps


def _numpy() -> Any:
    return sys.modules["numpy"]


def _pandas_options() -> object:
    options: Any = sys.modules["pandas"].options
    return {name: getattr(options.display, name) for name in ("precision", "max_rows")}


def _set_pandas_options(values: Any) -> None:
    for name, value in values.items():
        setattr(sys.modules["pandas"].options.display, name, value)


#: What is kept for a process or a thread: how it is read, and how it is set.
_FACTORS: Mapping[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "decimal context": (_decimal, _set_decimal),
    "numpy error state": (lambda: _numpy().geterr(), lambda v: _numpy().seterr(**v)),
    "numpy print options": (
        lambda: {k: v for k, v in _numpy().get_printoptions().items() if k != "override_repr"},
        lambda v: _numpy().set_printoptions(**v),
    ),
    "pandas display options": (_pandas_options, _set_pandas_options),
    "locale": (
        lambda: locale.setlocale(locale.LC_ALL),
        lambda v: locale.setlocale(locale.LC_ALL, v),
    ),
    "working directory": (os.getcwd, os.chdir),
    "recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "integer string limit": (
        lambda: sys.get_int_max_str_digits(),
        lambda v: sys.set_int_max_str_digits(v),
    ),
}
