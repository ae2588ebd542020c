"""The project of one experiment: a test module with one guilty case among innocent ones."""

from __future__ import annotations

from pathlib import Path
from string import Template
from textwrap import indent

from .kinds import Kind

__all__ = ["MODULE", "case_id", "write_cases", "write_project"]

MODULE = "test_it"

#: A worker of a cluster that is joined has no ATTACK_PYTEST of pytest's; its own is 0.
_MODULE = Template(
    """\
import asyncio, atexit, builtins, concurrent.futures, ctypes, faulthandler, functools, gc, glob, io
import itertools, locale, logging, mmap, multiprocessing, os, pickle, queue, random, re, resource
import select, shutil, signal, socket, subprocess, sys, tempfile, threading, time, warnings
from contextlib import suppress

import pytest

PYTEST_PID = int(os.environ.setdefault("ATTACK_PYTEST", str(os.getpid())))
HERE = os.path.dirname(os.path.abspath(__file__))
GUILTY = $guilty
getpid = os.getpid


def is_pytest():
    return getpid() == PYTEST_PID


def W():
    return not is_pytest() or threading.current_thread() is not threading.main_thread()


def kill(number):
    os.kill(os.getpid(), number)
    time.sleep(20)


def value(n):
    return {"case": n, "square": n * n, "text": "v" * n}


$top


def hostile(n):
$body
    return value(n)


@pytest.mark.parwork($settings)
@pytest.mark.parametrize("n", range($count))
def test_it(n):
    time.sleep($pause)
    if n in GUILTY$condition:
        return hostile(n)
    return value(n)
"""
)


def case_id(number: int) -> str:
    """Return the node id of a case."""
    return f"{MODULE}.py::test_it[{number}]"


def write_project(
    folder: Path, kind: Kind, *, guilty: tuple[int, ...], count: int, chunksize: int | None
) -> None:
    """Write the project of a kind."""
    settings = {"timeout": kind.timeout, "chunksize": chunksize}
    text = _MODULE.substitute(
        guilty=repr(set(guilty)),
        top=kind.top,
        body=indent(kind.body or "pass", "    "),
        settings=", ".join(f"{name}={value}" for name, value in settings.items() if value),
        count=count,
        pause=0.01,
        condition="" if kind.is_everywhere else " and W()",
    )
    _write(folder, text)


def write_cases(
    folder: Path, *, count: int, seconds: float, timeout: float | None = None, act: str = ""
) -> None:
    """Write a project of cases, each of which notes its process while it runs, and then acts."""
    noting = 'noted = os.path.join(HERE, f"pid-{getpid()}")\nopen(noted, "w").close()'
    text = _MODULE.substitute(
        guilty=f"set(range({count}))",
        top="",
        body=indent(f"{noting}\n{act}\ntime.sleep({seconds} if n % 3 else 0)", "    "),
        settings=f"timeout={timeout}, chunksize=1" if timeout else "chunksize=1",
        count=count,
        pause=0,
        condition=" and W()",
    )
    _write(folder, text)


def _write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{MODULE}.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
