"""The commands for a shell by which a failure can be had again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

import pytest

from .options import OF_TESTS


def command(
    config: pytest.Config, node_id: str, *options: str, keywords: Iterable[str] = ()
) -> str:
    """Return the command that runs a node, from the folder in which pytest was called.

    `keywords` are those of the marker that were left to the options of the session. The seeds of
    the session, pytest-randomly's as well, are repeated.
    """
    file, colons, rest = node_id.partition("::")
    file = os.path.relpath(config.rootpath / file, config.invocation_params.dir)
    asked = {*keywords, "seed"}  # which no marker names, and every test may use
    names = [name for name in (*OF_TESTS, "seed") if name in asked]
    given = {name: config.getoption(f"parwork_{name}") for name in names}
    words = [f"--parwork-{name}={value}" for name, value in given.items() if value is not None]
    words += options
    randomly = str(config.getoption("randomly_seed", default=""))
    if randomly.isdecimal():
        words.append(f"--randomly-seed={randomly}")
    return " ".join(["pytest", quote(f"{file}{colons}{rest}"), *map(quote_if, words)])


def quote(text: str) -> str:
    """Quote a text for every shell, as long as it is plain, else for that of POSIX."""
    return shlex.quote(text) if set(text) & set('"$`\\!%') else f'"{text}"'


def quote_if(text: str) -> str:
    """Quote a text that a shell would not leave as it is."""
    return text if shlex.quote(text) == text else quote(text)
