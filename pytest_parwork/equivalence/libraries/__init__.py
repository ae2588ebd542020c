"""The comparers of other libraries' values: one module per library, with the library's name.

A module here imports its library, and is itself imported only for a class of that library. So no
library is loaded that was not loaded already.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..pairs import Comparer

__all__ = ["find"]

#: The module here, by the top-level package whose classes it compares.
MODULES = {
    "dask": "dask",
    "distributed": "dask",
    "matplotlib": "matplotlib",
    "pandas": "pandas",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "pydantic": "pydantic",
    "scipy": "scipy",
    "torch": "torch",
    "xarray": "xarray",
}


def find(cls: type) -> Comparer | None:
    """Return the comparer of a class that is, or derives from, one of these libraries' classes."""
    for base in cls.__mro__:
        package = str(base.__module__).partition(".")[0]
        if package in MODULES and package in sys.modules:
            module = importlib.import_module(f"{__name__}.{MODULES[package]}")
            comparer = cast("Callable[[type], Comparer | None]", module.find)(cls)
            if comparer is not None:
                return comparer
    return None
