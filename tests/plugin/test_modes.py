"""Import modes: workers find what pytest found, and classes here stay what they are."""

from __future__ import annotations

import pytest

from .scratch import Scratch

MODES = ["prepend", "append", "importlib"]
BACKENDS = ["threads", "processes:fork", "joblib"]

#: Every worker of these imports the project anew, for half a second: so they are given one test of
#: each kind, and one worker where it is not the question how many there are.
FRESH = ["processes:spawn", "multiprocessing:spawn", "multiprocessing:forkserver"]
ONE_OF_EACH = [
    "root/test_top.py::test_made",
    "root/test_top.py::test_call_of_a_closure",
    "root/sub/test_sub.py::TestDerived::TestInner",
    "root/pack/test_pack.py::test_fixture_of_a_helper_class",
    "root/pack/test_local.py",
]

MODULE = """
import functools
import pytest

FACTOR = 2

class Result:
    def __init__(self, n):
        self.n = n

def make_test(offset):
    def test(n):
        return n + offset
    return test

@pytest.mark.parametrize("n", range(3))
def test_module(n):
    return FACTOR * n

@pytest.mark.parametrize("n", range(3))
def test_own_class(n):
    return Result(n)

test_made = pytest.mark.parametrize("n", range(3))(make_test(5))

test_lambda = lambda: FACTOR + 1

class TestOuter:
    factor = 3

    @pytest.mark.parametrize("n", range(3))
    def test_method(self, n):
        return self.factor * n

    @pytest.mark.parametrize("n", range(3))
    @staticmethod
    def test_static(n):
        return n

    class TestInner:
        @pytest.mark.parametrize("n", range(3))
        def test_nested(self, n):
            return type(self).__qualname__, n

class TestDerived(TestOuter):
    factor = 4
"""

CALLS = """
def double(n):
    return n * FACTOR

def test_call_of_a_function(parwork):
    assert parwork.map(double, range(3)) == [0, 2, 4]

def test_call_of_a_closure(parwork):
    offset = 3
    assert parwork.map(lambda n: double(n) + offset, range(3)) == [3, 5, 7]

def test_call_of_a_class(parwork):
    assert [result.n for result in parwork.map(Result, range(3))] == [0, 1, 2]

def test_call_of_a_method(parwork):
    assert parwork.map(TestOuter().test_method, range(3)) == [0, 3, 6]
"""

PACKAGE = """
import pytest
from . import helper
from .deeper.inside import Inside

@pytest.mark.parametrize("n", range(3))
def test_relative(n):
    return helper.triple(n)

@pytest.mark.parametrize("n", range(3))
def test_relative_class(n):
    return Inside(helper.triple(n))

@pytest.fixture(scope="module")
def inside():
    return Inside(7)

@pytest.mark.parametrize("n", range(3))
def test_fixture_of_a_helper_class(n, inside):
    return inside.n + n
"""

CONFTEST = """
import pytest

class Local:
    def __init__(self, n):
        self.n = n

@pytest.fixture(scope="session")
def local():
    return Local(5)

def pytest_collection_modifyitems(items):
    for item in items:
        if "parwork" not in item.fixturenames:
            item.add_marker(pytest.mark.parwork)
"""


def project(scratch: Scratch) -> None:
    """Write a rootdir that is neither the current folder nor on `sys.path`."""
    scratch.write("root/pytest.ini", "[pytest]\n")
    scratch.write("root/conftest.py", CONFTEST)
    scratch.write("root/test_top.py", MODULE + CALLS)
    scratch.write("root/sub/test_sub.py", MODULE.replace("FACTOR = 2", "FACTOR = 7"))
    scratch.write("root/pack/__init__.py")
    scratch.write(
        "root/pack/helper.py", "from .deeper import inside\ndef triple(n): return 3 * n\n"
    )
    scratch.write("root/pack/deeper/__init__.py")
    scratch.write(
        "root/pack/deeper/inside.py",
        "class Inside:\n    def __init__(self, n):\n        self.n = n\n",
    )
    scratch.write("root/pack/test_pack.py", PACKAGE)
    scratch.write(
        "root/pack/test_local.py",
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(3))\n"
        "def test_conftest_class(n, local): return local.n + n\n",
    )


@pytest.mark.parametrize("backend", BACKENDS + FRESH)
@pytest.mark.parametrize("mode", MODES)
def test_workers_find_every_function_that_pytest_found(
    scratch: Scratch, mode: str, backend: str
) -> None:
    project(scratch)
    session = scratch.run_apart(
        *(ONE_OF_EACH if backend in FRESH else ["root"]),
        f"--import-mode={mode}",
        f"--parwork-backend={backend}",
        "--parwork-workers=2",
        report=True,
    )
    assert session.code == 0, session.text
    runs = session.report["runs"]
    assert {case["verdict"] for run in runs for case in run["cases"]} == {"EQUAL"}
    # Two modules, with their classes, nested and inherited; the package; the calls.
    everything = 2 * (4 + 3 + 3) + 3 + 1 + 4
    assert len(runs) == (len(ONE_OF_EACH) if backend in FRESH else everything)


def test_modules_of_one_name_in_two_folders_are_kept_apart(scratch: Scratch) -> None:
    text = """
        import pytest
        FACTOR = {}
        @pytest.mark.parwork(workers=1, backend=["processes:fork", "processes:spawn"])
        @pytest.mark.parametrize("n", range(3))
        def test_it(n): return FACTOR * n
        """
    scratch.write("root/pytest.ini", "[pytest]\n")
    scratch.write("root/a/test_same.py", text.format(2))
    scratch.write("root/b/test_same.py", text.format(3))
    session = scratch.run_apart("root", "--import-mode=importlib")
    assert session.counts == {"passed": 12}


def test_pythonpath_reaches_the_workers(scratch: Scratch) -> None:
    scratch.write("root/pytest.ini", "[pytest]\npythonpath = src\n")
    scratch.write("root/src/library/__init__.py", "def double(n): return 2 * n\n")
    scratch.write(
        "root/tests/test_it.py",
        """
        import pytest

        @pytest.mark.parwork(workers=1, backend="processes:spawn")
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            from library import double
            return double(n)
        """,
    )
    session = scratch.run_apart("root/tests", "--import-mode=importlib")
    assert session.counts == {"passed": 3}


def test_the_folder_of_the_command_makes_no_difference(scratch: Scratch) -> None:
    project(scratch)
    options = ["--import-mode=importlib", "--parwork-backend=processes:spawn"]
    options += ["--parwork-workers=1", "-k", "relative_cl"]
    assert scratch.run_apart(".", *options, folder="root/pack").counts["passed"] == 3
    assert scratch.run_apart("../root", *options, folder="root").counts["passed"] == 3


@pytest.mark.parametrize("backend", ["threads", "processes:fork", "processes:spawn", "joblib"])
@pytest.mark.parametrize("mode", MODES)
def test_a_class_here_is_left_as_it_is_by_its_instances_from_workers(
    scratch: Scratch, mode: str, backend: str
) -> None:
    scratch.write("root/pytest.ini", "[pytest]\n")
    scratch.write(
        "root/test_it.py",
        f"""
        import sys
        import pytest

        class Result:
            count = 100

            def __init__(self, n):
                self.n = n

        known = Result

        @pytest.mark.parwork(backend="{backend}", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_made(n):
            Result.count += 1
            return Result(n)

        def test_live():
            legs = 2 if "{backend}" == "threads" else 1  # threads run in this very process
            assert Result.count == 100 + 3 * legs
            assert Result is known is sys.modules[__name__].Result

        def test_calls(parwork):
            Result.count = 7
            run = parwork.map(Result, range(3), backend="{backend}", workers=2)
            assert all(type(result) is Result for result in run)
            assert Result.count == 7
        """,
    )
    session = scratch.run_apart("root", f"--import-mode={mode}")
    assert session.counts == {"passed": 5}


def test_state_of_a_module_is_that_of_a_fresh_import(scratch: Scratch) -> None:
    scratch.write(
        "test_it.py",
        """
        import pytest
        state = []

        def test_first():
            state.append("changed")

        @pytest.mark.parwork(backend="processes:spawn", workers=1)
        @pytest.mark.parametrize("n", range(2))
        def test_state(n):
            return list(state)
        """,
    )
    session = scratch.run_apart()
    assert session.counts == {"passed": 1, "failed": 2}
    assert "DIFFERENT" in session.summary[0]


def test_a_worker_does_not_import_pytest_for_itself(scratch: Scratch) -> None:
    scratch.write("library.py", "import sys\ndef loaded(n): return '_pytest.main' in sys.modules\n")
    scratch.write(
        "test_it.py",
        """
        from library import loaded

        def test_it(parwork):
            run = parwork.map(loaded, range(2), backend="processes:spawn", workers=1, verify=0)
            assert run == [False, False]
        """,
    )
    assert scratch.run_apart().counts == {"passed": 1}
