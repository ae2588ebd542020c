"""`setup_method`, `setup_function` and what tears these down, as pytest calls them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["setup_function", "setup_method"]


def setup_method(instance: object, function: Callable[..., object]) -> Iterator[None]:
    """Call `setup_method` and `teardown_method` of the class."""
    return _around(instance, "method", function)


def setup_function(
    instance: object, function: Callable[..., object], *, module: str
) -> Iterator[None]:
    """Call `setup_function` and `teardown_function` of the module, for what is no method."""
    if instance is not None:
        return iter([None])
    return _around(sys.modules[module], "function", function)


def _around(owner: object, kind: str, function: Callable[..., object]) -> Iterator[None]:
    _call(getattr(owner, f"setup_{kind}", None), function)
    yield
    _call(getattr(owner, f"teardown_{kind}", None), function)


def _call(target: Any, function: Callable[..., object]) -> None:
    if target is None:
        return
    # As pytest: whatever takes a positional argument gets one.
    if target.__code__.co_argcount - inspect.ismethod(target):
        target(function)
    else:
        target()
