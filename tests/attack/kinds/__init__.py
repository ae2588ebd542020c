"""The hostile kinds, by what they do."""

from __future__ import annotations

from . import (
    clusters,
    damage,
    dying,
    endless,
    ends,
    exceptions,
    nesting,
    output,
    results,
    rights,
    tables,
)
from .kind import Kind, Reading

__all__ = ["KINDS", "Kind", "Reading"]

_MODULES = (
    *(dying, endless, ends, damage, rights, tables),
    *(results, exceptions, output, nesting, clusters),
)

#: All kinds, by name.
KINDS: dict[str, Kind] = {found.name: found for module in _MODULES for found in module.KINDS}
