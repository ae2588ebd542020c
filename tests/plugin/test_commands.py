"""The commands in a failure's message work as promised when pasted into a shell."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from .scratch import DEADLINE, Scratch, Session

FAILING = """
@pytest.mark.parwork({settings})
@pytest.mark.parametrize("n", {values})
def test_it(n):
    note(f"{{n}}")
    return is_here()
"""


def commands(session: Session, name: str) -> list[str]:
    """Return the commands behind a name, in the order of the failures."""
    return re.findall(rf"^(?:E {{7}})?  {name:<9}(pytest .*)$", session.text, re.MULTILINE)


#: Has a shell take a command apart: its words, each with a zero byte behind it.
WORDS = "pytest() {{ printf '%s\\0' \"$@\"; }}; {command}"


def paste(scratch: Scratch, command: str, folder: Path) -> str:
    """Run a command with the words that a shell makes of it, and return what it printed."""
    done = subprocess.run(
        ["sh", "-c", WORDS.format(command=command)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    words = done.stdout.split("\0")[:-1]
    return scratch.run_apart(*words, "-v", folder=str(folder)).text


@pytest.mark.parametrize(
    "values",
    [
        pytest.param("[1, 2]", id="plain"),
        pytest.param("""["a b", 'say "hi"', "it's", "$HOME!", "a[0]", "50%", "x::y"]""", id="odd"),
        pytest.param("""["größe", "\\n", "back\\\\slash", "`id`", "*"]""", id="escaped"),
    ],
)
def test_a_case_is_run_serially_and_no_other_is(scratch: Scratch, values: str) -> None:
    scratch.cases(FAILING.format(settings='backend="processes:fork", workers=2', values=values))
    failed = scratch.run_apart("-v")
    found = commands(failed, "serially")
    assert len(found) == len(eval(values))
    for command in found[:: len(found) - 1]:
        scratch.notes()
        assert "1 passed" in paste(scratch, command, scratch.path)
        (noted,) = scratch.notes()
        assert noted.endswith(" here")


def test_a_configuration_is_run_with_all_its_cases_and_no_other_is(scratch: Scratch) -> None:
    backends = 'backend=["threads", "processes", "processes:fork"], workers=2'
    scratch.cases(FAILING.format(settings=backends, values="[1, 2]"))
    again = commands(scratch.run_apart("-v"), "again")
    assert again[0] == 'pytest "test_it.py::test_it" -k "test_it[threads-"'
    assert len(set(again)) == 3
    told = paste(scratch, again[2], scratch.path)
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
    assert "1 failed" in paste(scratch, again[0], scratch.path)


def test_options_that_the_test_does_not_name_are_in_the_commands(scratch: Scratch) -> None:
    scratch.cases(FAILING.format(settings="", values="[1, 2]"))
    options = ["--parwork-backend=threads,processes", "--parwork-workers=2"]
    session = scratch.run_apart(*options, "-v")
    assert commands(session, "again")[2] == (
        'pytest "test_it.py::test_it" --parwork-backend=threads,processes --parwork-workers=2 '
        '-k "test_it[processes-"'
    )
    told = paste(scratch, commands(session, "again")[2], scratch.path)
    assert "2 failed, 2 deselected" in told, told
    serially = commands(session, "serially")[2]
    assert "test_it.py::test_it[processes-1] PASSED" in paste(scratch, serially, scratch.path)


def test_a_seed_is_in_every_command(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
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
    paste(scratch, serially, scratch.path)
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
        FAILING.format(settings='backend="processes:fork", workers=2', values="[1, 2]"),
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
        assert "2 failed" in paste(scratch, again, scratch.path / folder)


def test_a_test_with_calls_is_run_serially_and_again(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parametrize("text", ["a b", "c"])
        def test_it(parwork, text):
            parwork.map(len, [text])
            parwork.map(lambda n: is_here(), [1, 2], backend="processes:fork")
        """
    )
    session = scratch.run_apart("--parwork-backend=processes", "--parwork-workers=2")
    (again, _), (serially, _) = (commands(session, name) for name in ("again", "serially"))
    options = "--parwork-backend=processes --parwork-workers=2"
    assert again == f'pytest "test_it.py::test_it[a b]" {options}'
    assert "1 failed" in paste(scratch, again, scratch.path)
    assert "1 passed" in paste(scratch, serially, scratch.path)


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
    assert "1 passed" in paste(scratch, command, scratch.path / "below")


@pytest.mark.sweep  # six cold sessions
@pytest.mark.parametrize("asked", ["package", "package.tests", "package.tests.test_it"])
@pytest.mark.parametrize("calls", [False, True])
def test_tests_of_an_installed_package_are_found(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, asked: str, calls: bool
) -> None:
    body = FAILING.format(settings='backend="processes:fork", workers=2', values="[1, 2]")
    if calls:
        call = "parwork.map(lambda n: is_here(), [n], backend='processes:fork', workers=2)"
        body = f"@pytest.mark.parametrize('n', [1, 2])\ndef test_it(parwork, n):\n    {call}\n"
    scratch.cases(body)
    folder = scratch.path / "site" / "package" / "tests"
    folder.mkdir(parents=True)
    for around in (folder, folder.parent):
        (around / "__init__.py").touch()
    (scratch.path / "test_it.py").rename(folder / "test_it.py")
    other = scratch.path / "other"
    other.mkdir()
    paths = os.pathsep.join([str(folder.parents[1]), str(scratch.path)])
    monkeypatch.setenv("PYTHONPATH", paths)
    monkeypatch.delenv("SCRATCH_PID", raising=False)
    out = paste(scratch, f"pytest -p no:cacheprovider --pyargs {asked}", other)
    failed = Session(code=1, out=out, err="")
    for place in (other, Path("/")):
        assert "1 passed" in paste(scratch, commands(failed, "serially")[1], place)
        told = paste(scratch, commands(failed, "again")[0], place)
        assert ("1 failed" if calls else "2 failed") in told


def test_the_options_that_decide_what_is_run_are_in_every_command(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch.cases(FAILING.format(settings='backend="processes:fork", workers=2', values="[1, 2]"))
    scratch.write("own.ini", "[pytest]\n")
    monkeypatch.setenv("PYTHONPATH", str(scratch.path))
    options = f"-c {scratch.path / 'own.ini'} --rootdir={scratch.path} --import-mode=importlib"
    failed = scratch.run_apart("-c", "own.ini", "--rootdir=.", "--import-mode=importlib")
    again = commands(failed, "again")[0]
    assert again == f'pytest "test_it.py::test_it" {options}'


def test_a_file_outside_of_the_root_folder_is_named_from_anywhere(scratch: Scratch) -> None:
    scratch.cases(FAILING.format(settings='backend="threads", workers=2', values="[1, 2]"))
    scratch.write("other/pytest.ini", "[pytest]\n")
    session = scratch.run("--rootdir=other", "test_it.py")
    for name, test in (("again", "test_it"), ("serially", "test_it[1]")):
        command = commands(session, name)[0]
        assert command.startswith(f'pytest "{scratch.path / "test_it.py"}::{test}"'), session.text
