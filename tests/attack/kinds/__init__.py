"""The hostile kinds, by what they do."""

from __future__ import annotations

from . import clusters, damage, dying, endless, exceptions, nesting, output, results, tables
from .kind import Kind, Reading

__all__ = ["KINDS", "Kind", "Reading"]

#: All kinds, by name.
KINDS: dict[str, Kind] = {
    found.name: found
    for module in (dying, endless, damage, tables, results, exceptions, output, nesting, clusters)
    for found in module.KINDS
}
