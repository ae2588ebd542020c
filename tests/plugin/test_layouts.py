"""Folders of every shape: rootdir, conftests, duplicate names, odd characters."""

from __future__ import annotations

import pytest

from .scratch import Scratch, slow

#: One that forks, one that imports anew, one with a library, one that stays here.
BACKENDS = ["processes:fork", "processes:spawn", slow("isolated:spawn"), "joblib", "threads"]

MODES = ["prepend", slow("append"), "importlib"]

CASES = """
    import pytest

    class Own:
        def __init__(self, n):
            self.n = n

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_it(n, wide):
        return Own(n + wide)
    """

CONFTEST = """
    import pytest

    @pytest.fixture(scope="module")
    def wide():
        return {}
    """

ODD = [
    "with space/süß/日本語/test größe.py",
    "a[1]/quote's/$HOME/test_[x].py",
    "a::b/test_colons.py",
]


@pytest.mark.parametrize("mode", MODES)
def test_odd_characters_in_paths(scratch: Scratch, mode: str) -> None:
    scratch.write("pytest.ini", "[pytest]\npython_files = test*.py\n")
    scratch.write("conftest.py", CONFTEST.format(1))
    for path in ODD:
        scratch.write(path, CASES.replace("workers=2", "workers=1"))  # each imports all anew
    backends = "--parwork-backend=processes:spawn,threads"
    session = scratch.run_apart(f"--import-mode={mode}", backends, report=True)
    assert session.counts == {"passed": 6 * len(ODD)}
    assert {run["id"] for run in session.report["runs"]} == {f"{path}::test_it" for path in ODD}


def test_odd_characters_in_parameters(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["processes:fork", "threads"], workers=2)
        @pytest.mark.parametrize("text", ["a b", "süß", "日本", "a::b", "[", "]", "a/b", "\\0", ""])
        def test_it(text):
            return text
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 18}
    assert {run["id"] for run in session.report["runs"]} == {"test_it.py::test_it"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_file_name_in_two_packages(scratch: Scratch, backend: str) -> None:
    scratch.write("conftest.py", CONFTEST.format(0))
    for folder, wide in (("one", 10), ("two", 20)):
        scratch.write(f"{folder}/__init__.py")
        scratch.write(f"{folder}/conftest.py", CONFTEST.format(wide))
        scratch.write(
            f"{folder}/test_same.py",
            CASES.replace("return Own(n + wide)", f"assert wide == {wide}\n        return Own(n)"),
        )
    session = scratch.run_apart(f"--parwork-backend={backend}")
    assert session.counts == {"passed": 6}


def test_one_file_name_in_two_folders_is_rejected_by_pytest_as_always(scratch: Scratch) -> None:
    scratch.write("conftest.py", CONFTEST.format(0))
    scratch.write("one/test_same.py", CASES)
    scratch.write("two/test_same.py", CASES)
    session = scratch.run_apart()
    assert session.code == pytest.ExitCode.INTERRUPTED
    assert "import file mismatch" in session.text


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["prepend", "importlib"])  # append takes one conftest for all
def test_the_nearest_conftest_gives_the_fixture(scratch: Scratch, mode: str, backend: str) -> None:
    scratch.write("pytest.ini", "[pytest]\n")
    for folder in (".", "inner", "inner/most"):
        name = folder.replace("/", "_").replace(".", "outer")
        text = CASES.replace("return", f"assert wide == {name!r}\n        return")
        scratch.write(f"{folder}/conftest.py", CONFTEST.format(repr(name)))
        scratch.write(f"{folder}/test_{name}.py", text.replace("n + wide", "n"))
    session = scratch.run_apart(f"--import-mode={mode}", f"--parwork-backend={backend}")
    assert session.counts == {"passed": 9}


@pytest.mark.parametrize(
    ("options", "folder", "id"),
    [
        (["--rootdir=.", "project/tests"], ".", "project/tests/test_it.py::test_it"),
        (["-c", "project/other.ini", "project"], ".", "tests/test_it.py::test_it"),
        (["tests", "--confcutdir=tests"], "project", "tests/test_it.py::test_it"),
        (["../tests/test_it.py"], "project/src", "tests/test_it.py::test_it"),
        (["--pyargs", "tests.test_it"], "project", "tests/test_it.py::test_it"),
    ],
)
def test_wherever_the_root_and_the_current_folder_are(
    scratch: Scratch, options: list[str], folder: str, id: str
) -> None:
    scratch.write("project/pytest.ini", "[pytest]\npythonpath = .\n")
    scratch.write("project/other.ini", "[pytest]\n")
    scratch.write("project/src/library.py")
    scratch.write("project/tests/__init__.py")
    scratch.write("project/tests/conftest.py", CONFTEST.format(1))
    scratch.write("project/tests/test_it.py", CASES)
    backend = "--parwork-backend=processes:spawn"
    session = scratch.run_apart(*options, backend, folder=folder, report=True)
    assert session.counts == {"passed": 3}
    assert {run["id"] for run in session.report["runs"]} == {id}
