"""The commands in a failure's message work as promised when pasted into a shell."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from .scratch import DEADLINE, Scratch, Session

#: Most tests start pytest in a process of its own.
DAILY_OF_EACH = 1

FAILING = """
@pytest.mark.parwork({settings})
@pytest.mark.parametrize("n", {values})
def test_it(n):
    note(f"{{n}}")
    return is_here()
"""

#: Where the `pytest` of this Python is.
SCRIPTS = sysconfig.get_path("scripts")


def commands(session: Session, name: str) -> list[str]:
    """Return the commands behind a name, in the order of the failures."""
    return re.findall(rf"^(?:E {{7}})?  {name:<9}(pytest .*)$", session.text, re.MULTILINE)


def paste(command: str, folder: Path) -> str:
    """Run a command as a shell does, and return what it printed."""
    done = subprocess.run(
        ["sh", "-c", f"{command} -v"],
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join([SCRIPTS, os.environ["PATH"]])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
    )
    return done.stdout


@pytest.mark.parametrize(
    "values",
    [
        pytest.param("[1, 2]", id="plain"),
        pytest.param("""["a b", 'say "hi"', "it's", "$HOME!", "a[0]", "50%", "x::y"]""", id="odd"),
        pytest.param("""["größe", "\\n", "back\\\\slash", "`id`", "*"]""", id="escaped"),
    ],
)
def test_a_case_is_run_serially_and_no_other_is(scratch: Scratch, values: str) -> None:
    scratch.cases(FAILING.format(settings='backend="threads", workers=2', values=values))
    failed = scratch.run_apart("-v")
    found = commands(failed, "serially")
    assert len(found) == len(eval(values))
    for command in found[:: len(found) - 1]:
        scratch.notes()
        assert "1 passed" in paste(command, scratch.path)
        (noted,) = scratch.notes()
        assert noted.endswith(" here")


def test_a_configuration_is_run_with_all_its_cases_and_no_other_is(scratch: Scratch) -> None:
    backends = 'backend=["threads", "processes", "processes:fork"], workers=2'
    scratch.cases(FAILING.format(settings=backends, values="[1, 2]"))
    again = commands(scratch.run_apart("-v"), "again")
    assert again[0] == 'pytest "test_it.py::test_it" -k "test_it[threads-"'
    assert len(set(again)) == 3
    told = paste(again[2], scratch.path)
    assert "2 failed, 4 deselected" in told, told
    assert "DIFFERENT: serial True, processes-2 False" in told


def test_the_one_case_of_a_configuration_is_named(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["threads", "processes"], workers=2)
        def test_it():
            return is_here()
        """
    )
    again = commands(scratch.run_apart("-v"), "again")
    assert again[0] == 'pytest "test_it.py::test_it[threads]"'
    assert "1 failed" in paste(again[0], scratch.path)


def test_options_that_the_test_does_not_name_are_in_the_commands(scratch: Scratch) -> None:
    scratch.cases(FAILING.format(settings="", values="[1, 2]"))
    options = ["--parwork-backend=threads,processes", "--parwork-workers=2"]
    session = scratch.run_apart(*options, "-v")
    assert commands(session, "again")[2] == (
        'pytest "test_it.py::test_it" --parwork-backend=threads,processes --parwork-workers=2 '
        '-k "test_it[processes-"'
    )
    told = paste(commands(session, "again")[2], scratch.path)
    assert "2 failed, 2 deselected" in told, told
    serially = commands(session, "serially")[2]
    assert "test_it.py::test_it[processes-1] PASSED" in paste(serially, scratch.path)


def test_a_seed_is_in_every_command(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", [1, 2])
        def test_it(n, parwork_seed):
            note(f"{n} {parwork_seed}")
            return is_here()
        """
    )
    session = scratch.run_apart("--parwork-seed=7", "-v")
    seeds = {note for note in scratch.notes() if note.startswith("1 ")}
    again, serially = (commands(session, name)[0] for name in ("again", "serially"))
    assert again == 'pytest "test_it.py::test_it" --parwork-seed=7'
    assert serially == 'pytest "test_it.py::test_it[1]" --parwork-seed=7 --parwork-serial'
    paste(serially, scratch.path)
    assert set(scratch.notes()) < seeds


def test_options_that_the_test_overrules_are_not_in_the_commands(scratch: Scratch) -> None:
    scratch.cases(FAILING.format(settings='backend="threads"', values="[1]"))
    session = scratch.run_apart("--parwork-backend=processes", "--parwork-workers=3", "-v")
    assert commands(session, "again") == ['pytest "test_it.py::test_it" --parwork-workers=3']
    assert commands(session, "serially") == ['pytest "test_it.py::test_it[1]" --parwork-serial']


def test_commands_start_from_the_folder_in_which_pytest_was_called(scratch: Scratch) -> None:
    scratch.write("pytest.ini", "[pytest]\npythonpath = .\n")
    scratch.write("below/deep/.keep")
    scratch.cases(
        FAILING.format(settings='backend="threads", workers=2', values="[1, 2]"),
        "below/test_it.py",
    )
    for folder, target, shown in (
        (".", "below", "below/test_it.py::test_it"),
        ("below", ".", "test_it.py::test_it"),
        ("below/deep", "..", "../test_it.py::test_it"),
    ):
        session = scratch.run_apart(target, folder=folder)
        (again,) = commands(session, "again")
        assert again == f'pytest "{shown}"'
        assert "2 failed" in paste(again, scratch.path / folder)


def test_a_test_with_calls_is_run_serially_and_again(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parametrize("text", ["a b", "c"])
        def test_it(parwork, text):
            parwork.map(len, [text])
            parwork.map(lambda n: is_here(), [1, 2], backend="threads")
        """
    )
    session = scratch.run_apart("--parwork-backend=processes", "--parwork-workers=2")
    (again, _), (serially, _) = (commands(session, name) for name in ("again", "serially"))
    options = "--parwork-backend=processes --parwork-workers=2"
    assert again == f'pytest "test_it.py::test_it[a b]" {options}'
    assert "1 failed" in paste(again, scratch.path)
    assert "1 passed" in paste(serially, scratch.path)


def test_a_lost_case_is_run_serially_from_the_folder_of_the_session(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", [1, 2])
        def test_it(n):
            is_here() or n == 1 or os._exit(3)
        """,
        "below/test_it.py",
    )
    scratch.write("pytest.ini", "[pytest]\npythonpath = .\n")
    session = scratch.run_apart(folder="below")
    (command,) = [line.strip() for line in session.lines if line.strip().startswith("pytest ")]
    assert command == 'pytest "test_it.py::test_it[2]" --parwork-serial'
    assert "1 passed" in paste(command, scratch.path / "below")
