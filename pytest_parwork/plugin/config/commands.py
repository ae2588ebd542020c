"""The shell commands that reproduce a failure."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

import pytest

from .options import OF_TESTS


def command(
    config: pytest.Config, node_id: str, *options: str, keywords: Iterable[str] = ()
) -> str:
    """Return the command that runs a node, for the folder in which pytest was called.

    `keywords` are those that the marker left to the options of the session. The seeds of the
    session are repeated, that of pytest-randomly as well.
    """
    file, colons, rest = node_id.partition("::")
    file = os.path.relpath(config.rootpath / file, config.invocation_params.dir)
    asked = {*keywords, "seed"}  # which is an option only, and every test may use it
    names = [name for name in (*OF_TESTS, "seed") if name in asked]
    given = {name: config.getoption(f"parwork_{name}") for name in names}
    words = [f"--parwork-{name}={value}" for name, value in given.items() if value is not None]
    words += options
    randomly = str(config.getoption("randomly_seed", default=""))
    if randomly.isdecimal():
        words.append(f"--randomly-seed={randomly}")
    return " ".join(["pytest", quote(f"{file}{colons}{rest}"), *map(quote_if, words)])


def quote(text: str) -> str:
    """Quote a text for any shell if it is simple enough, else for POSIX shells."""
    return shlex.quote(text) if set(text) & set('"$`\\!%') else f'"{text}"'


def quote_if(text: str) -> str:
    """Quote a text only if a shell would change it."""
    return text if shlex.quote(text) == text else quote(text)
