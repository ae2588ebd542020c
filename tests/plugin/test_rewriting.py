"""Workers run the assertions as pytest has rewritten them."""

from __future__ import annotations

from textwrap import dedent

import pytest

from .scratch import Scratch

#: True only in a function with rewritten assertions, which have variables of their own.
REWRITTEN = "'@py_assert' in ' '.join(__import__('sys')._getframe().f_code.co_varnames)"

FILES = {
    "conftest.py": f"""
        import pytest
        pytest.register_assert_rewrite("registered", "package.inner")
        @pytest.fixture
        def two():
            assert {REWRITTEN}
            return 2
        """,
    "registered.py": """
        def check(n):
            assert n == 7
        """,
    "package/__init__.py": "",
    "package/inner.py": f"""
        def twice(n):
            assert {REWRITTEN}
            return 2 * n
        """,
    "test_other.py": f"""
        def imported(n):
            assert {REWRITTEN}
            return n
        def test_nothing():
            pass
        """,
}

CASES = f"""
    import registered
    from package.inner import twice
    from test_other import imported

    def cases(test):
        mark = pytest.mark.parwork(workers=2)
        return mark(pytest.mark.parametrize("n", range(2))(test))

    @cases
    def test_body(n):
        assert {REWRITTEN}
        return n

    @cases
    def test_fixture(two, n):
        return two

    @cases
    def test_modules(n):
        with pytest.raises(AssertionError) as caught:
            registered.check(n)
        return str(caught.value), twice(n), imported(n)

    @cases
    def test_local(n):
        def local(x):
            assert x == 3
            return x
        return local

    @cases
    def test_message(n):
        assert is_here() or [n] == [7]

    def test_calls(parwork):
        assert parwork.map(twice, [1, 2], workers=2) == [2, 4]
    """


def write(scratch: Scratch) -> None:
    for name, text in FILES.items():
        scratch.write(name, text)
    scratch.cases(CASES)


#: The tests whose cases are equal only if the assertions are the same.
EQUAL = ("test_body", "test_fixture", "test_modules", "test_local")


@pytest.mark.parametrize("backend", ["joblib", "processes:spawn", "isolated:forkserver", "dask"])
def test_they_do_so_in_every_module_that_pytest_rewrites(scratch: Scratch, backend: str) -> None:
    write(scratch)
    session = scratch.run(f"--parwork-backend={backend}", report=True)
    for test in EQUAL:
        assert session.verdicts(f"test_it.py::{test}") == {"0": "EQUAL", "1": "EQUAL"}, test
    assert session.cases["test_it.py::test_calls"] == "passed"
    first = session.run("test_it.py::test_message")["mismatches"][0]
    assert "assert (False or [0] == [7])" in first["actual"]
    assert "+  where False = is_here()" in first["actual"]


@pytest.mark.usefixtures("keeps_helpers")
@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_they_do_so_under_each_import_mode_and_from_cached_files(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    write(scratch)
    monkeypatch.syspath_prepend(scratch.path)
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    options = (f"--import-mode={mode}", "--parwork-backend=isolated:spawn", "-k", "test_modules")
    session = scratch.run(*options, report=True)
    assert session.verdicts("test_it.py::test_modules") == {"0": "EQUAL", "1": "EQUAL"}
    cached = {file.name.partition(".")[0] for file in scratch.path.rglob("*-pytest-*.pyc")}
    assert {"conftest", "registered", "test_it"} <= cached


@pytest.mark.usefixtures("keeps_helpers")
def test_plain_assertions_stay_plain(scratch: Scratch) -> None:
    write(scratch)
    options = ("--assert=plain", "--parwork-backend=processes:spawn", "-k", "test_body")
    session = scratch.run_apart(*options, report=True)  # here the outer session would rewrite them
    case = session.run("test_it.py::test_body")["cases"][0]
    assert (case["verdict"], case["outcome"]) == ("EQUAL", "failure")


@pytest.mark.parametrize("backend", ["processes:spawn", "joblib"])
def test_they_do_so_in_modules_outside_of_the_project(scratch: Scratch, backend: str) -> None:
    """Such as those of an installed package, by `--pyargs`: the table of modules omits them."""
    for name, text in FILES.items():
        scratch.write(f"there/{name}", text)
    scratch.write("there/test_it.py", "import pytest\n" + dedent(CASES))
    scratch.write("elsewhere/pytest.ini", "[pytest]")
    scratch.write(
        "there/test_call.py",
        f"""
        def own(n):
            assert {REWRITTEN}
            return n
        def test_own_function(parwork):
            assert parwork.map(own, [1, 2], workers=2) == [1, 2]
        """,
    )
    options = ("there", "--rootdir=elsewhere", f"--parwork-backend={backend}")
    asked = "test_body or test_fixture or test_modules or test_own_function"
    session = scratch.run(*options, "-k", asked)
    assert {**session.counts, "deselected": 0} == {"passed": 7, "deselected": 0}
