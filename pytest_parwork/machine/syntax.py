"""Syntax trees of sources, whatever other threads and finalizers do meanwhile."""

from __future__ import annotations

import ast

#: How often a source is parsed before its `SystemError` is taken to be its own.
TRIES = 5


def parse(source: str | bytes) -> ast.Module:
    """Return the tree of a source; raises what `ast.parse` raises.

    Up to CPython 3.11.7, all parsers of a process share one counter of the depth, so that a
    finalizer that runs meanwhile and parses, as writing a traceback does, ends in `SystemError`:
    https://github.com/python/cpython/issues/106905.
    """
    for _ in range(TRIES - 1):
        try:
            return ast.parse(source)
        except SystemError:
            continue
    return ast.parse(source)
