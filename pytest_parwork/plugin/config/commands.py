"""The shell commands that reproduce a failure."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator

import pytest

from .options import OF_TESTS

#: The id of the workload that has all cases of the session.
SESSION = "."


def command(item: pytest.Item, node_id: str, *options: str, keywords: Iterable[str] = ()) -> str:
    """Return the command that runs a node in the file of an item.

    It is for the folder in which pytest was called; for every folder, if the file is outside of the
    root folder. There a node id does not say where the file is: with --pyargs it begins in the
    package, or with `::`. `keywords` are those that the marker left to the options of the session.
    The seeds of the session are repeated, that of pytest-randomly as well, and the options that
    decide on configuration and imports.
    """
    config = item.config
    _, colons, rest = node_id.partition("::")
    path = config.rootpath if node_id == SESSION else item.path
    file = str(path)
    if path.is_relative_to(config.rootpath):
        file = os.path.relpath(file, config.invocation_params.dir)
    asked = {*keywords, "seed"}  # which is an option only, and every test may use it
    names = [name for name in (*OF_TESTS, "seed") if name in asked]
    given = {name: config.getoption(f"parwork_{name}") for name in names}
    words = [f"--parwork-{name}={value}" for name, value in given.items() if value is not None]
    words += ["--parwork-all"] if config.getoption("parwork_all") else []
    words += [*options, *_of_session(config)]
    randomly = str(config.getoption("randomly_seed", default=""))
    if randomly.isdecimal():
        words.append(f"--randomly-seed={randomly}")
    return " ".join(["pytest", quote(f"{file}{colons}{rest}"), *map(quote_if, words)])


def _of_session(config: pytest.Config) -> Iterator[str]:
    """Yield the options of the session without which the file may be another test."""
    here = config.invocation_params.dir
    if given := config.getoption("inifilename", default=None):
        yield from ("-c", os.path.abspath(here / given))
    if given := config.getoption("rootdir", default=None):
        yield f"--rootdir={os.path.abspath(here / os.path.expandvars(given))}"
    mode = config.getoption("importmode", default="prepend")
    if mode != "prepend":
        yield f"--import-mode={mode}"


def quote(text: str) -> str:
    """Quote a text for any shell if it is simple enough, else for POSIX shells."""
    return shlex.quote(text) if set(text) & set('"$`\\!%') else f'"{text}"'


def quote_if(text: str) -> str:
    """Quote a text only if a shell would change it."""
    return text if shlex.quote(text) == text else quote(text)
