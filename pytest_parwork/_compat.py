"""What pytest offers no public way to, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

__all__ = ["argument_names", "fixture_defs", "is_strict"]


def argument_names(item: pytest.Function) -> Sequence[str]:
    """Return the names that the test function takes: `fixturenames` holds autouse ones too."""
    names: Sequence[str] = item._fixtureinfo.argnames
    return names


def fixture_defs(item: pytest.Function) -> Mapping[str, pytest.FixtureDef[Any]]:
    """Return the fixture that pytest will use for each name, parameters of the test left out.

    The scope of a fixture is known to its definition alone. Parameters are fixtures to pytest,
    known by the name of the function that stands for them.
    """
    defs = item._fixtureinfo.name2fixturedefs
    return {
        name: found[-1]
        for name, found in defs.items()
        if found[-1].func.__name__ != "get_direct_param_fixture_func"
    }


def is_strict(config: pytest.Config) -> bool:
    """Return whether pytest's own strict mode is on; it came with pytest 9."""
    try:
        return bool(config.getini("strict"))
    except (KeyError, ValueError):
        return False
