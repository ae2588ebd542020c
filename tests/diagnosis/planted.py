"""What a planted defect is: the source of a test, and the causes that explain its difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import dedent

HEAD = """
import contextvars, datetime, decimal, functools, itertools, os, random, secrets, socket, sys
import tempfile, threading, time, uuid
import numpy as np
import pytest

def cases(test, count=4):
    marked = pytest.mark.parametrize("n", range(count))(test)
    return pytest.mark.parwork(backend={backend!r}, workers=2)(marked)

def fails_once(n):
    # One call of a session gives another result, and no call after it.
    if n == 2:
        try:
            os.close(os.open(__file__ + ".once", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True
    return False
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A test module with one defect, or with none.

    `causes` are the names that are right, some with a detail: `GLOBAL_RNG (random)`. Several are
    right where two causes were planted, or where it depends on the schedule which of two it is.
    A clean function has none, and so must its report have none.
    """

    name: str
    backend: str
    causes: tuple[str, ...]
    source: str

    def text(self) -> str:
        """Return the text of the module."""
        return HEAD.format(backend=self.backend) + dedent(self.source)

    def allows(self, name: str, detail: str) -> bool:
        """Return whether a cause is one of those that were planted."""
        return any(one in (name, f"{name} ({detail})") for one in self.causes)


def planted(backend: str, *defects: Sequence[str]) -> tuple[Planted, ...]:
    """Return defects for a backend: name, causes separated by bars, source of each."""
    return tuple(
        Planted(
            name=name,
            backend=backend,
            causes=tuple(cause.strip() for cause in causes.split("|") if cause),
            source=source,
        )
        for name, causes, source in defects
    )
