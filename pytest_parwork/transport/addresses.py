"""Functions sent by address: module, classes around it, attribute."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from ..model.work import Address


def find(address: Address) -> Callable[..., object]:
    """Return the function at `address`, on a fresh instance of the class around it."""
    target: object = importlib.import_module(address.module)
    for name in address.classes:
        target = getattr(target, name)
    if address.classes:
        assert isinstance(target, type)
        target = target()
    function = getattr(target, address.attribute)
    assert callable(function)
    return cast("Callable[..., object]", function)
