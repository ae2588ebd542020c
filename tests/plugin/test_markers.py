"""Markers: the source of each keyword, and errors before anything starts."""

from __future__ import annotations

import inspect
import pydoc
from textwrap import dedent

import pytest

from pytest_parwork import parwork
from pytest_parwork.plugin.config.options import KEYWORDS

from .scratch import Scratch

#: Each set of parameters has its own rule, and most end before anything starts.
DAILY_OF_EACH = 100

LEVELS = ("function", "class", "module", "option", "ini")


class TestPrecedence:
    TEXT = """
        import pytest
        {module}
        {around}
        class TestIt:
            {function}
            @pytest.mark.parwork
            @pytest.mark.parametrize("n", range(9))
            def test_it(self, n):
                return n
        """

    @pytest.mark.parametrize("first", LEVELS)
    def test_the_closest_level_wins(self, scratch: Scratch, first: str) -> None:
        levels = LEVELS[LEVELS.index(first) :]
        marks = {
            "function": "@pytest.mark.parwork(workers=2)",
            "around": "@pytest.mark.parwork(workers=3)",
            "module": "pytestmark = pytest.mark.parwork(workers=4)",
        }
        named = {name: "class" if name == "around" else name for name in marks}
        text = dedent(self.TEXT).format(
            **{name: mark if named[name] in levels else "" for name, mark in marks.items()}
        )
        scratch.write("test_it.py", text)
        scratch.write("pytest.ini", "[pytest]\nparwork_workers = 6\nparwork_backend = threads\n")
        options = ["--parwork-workers=5"] if "option" in levels else []
        session = scratch.run(*options, report=True)
        configuration = session.run("test_it.py::TestIt::test_it")["configuration"]
        assert configuration["workers"]["asked"] == LEVELS.index(first) + 2
        assert configuration["backend"] == "threads"

    def test_keywords_of_several_levels_merge(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            from pytest_parwork import close
            pytestmark = pytest.mark.parwork(workers=3, compare=close(rtol=1))

            @pytest.mark.parwork(backend="threads", workers=5)
            class TestIt:
                @pytest.mark.parwork(workers=2)
                @pytest.mark.parwork(chunksize=1)
                @pytest.mark.parametrize("n", range(4))
                def test_it(self, n):
                    return n
            """
        )
        run = scratch.run(report=True).run("test_it.py::TestIt::test_it")
        assert run["configuration"]["id"] == "threads-2"
        assert run["configuration"]["chunksize"] == 1
        assert run["policy"] == "close(rtol=1.0, atol=0.0)"

    def test_a_parameter_has_its_own_policy(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            from pytest_parwork import close
            near = pytest.mark.parwork(compare=close(rtol=0.1))

            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", [pytest.param(1.0, marks=near), 2.0])
            def test_it(n):
                return n if is_here() else n * 1.01
            """
        )
        assert scratch.run().cases == {
            "test_it.py::test_it[1.0]": "passed",
            "test_it.py::test_it[2.0]": "failed",
        }

    @pytest.mark.parametrize("place", [0, 1])
    def test_a_parameter_has_its_own_share(self, scratch: Scratch, place: int) -> None:
        scratch.cases(
            f"""
            cases = [0, 1, 2]
            cases[{place}] = pytest.param({place}, marks=pytest.mark.parwork(verify=0))

            @pytest.mark.parwork(backend="threads", workers=2)
            @pytest.mark.parametrize("n", cases)
            def test_it(n):
                return n
            """
        )
        session = scratch.run(report=True)
        verdicts = dict.fromkeys("012", "EQUAL") | {str(place): "NOT_VERIFIED"}
        assert session.verdicts("test_it.py::test_it") == verdicts

    def test_a_subclass_has_its_own_marker_first(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="threads", workers=3)
            class TestBase:
                @pytest.mark.parametrize("n", range(4))
                def test_it(self, n):
                    return n

            @pytest.mark.parwork(workers=2)
            class TestDerived(TestBase):
                pass
            """
        )
        session = scratch.run(report=True)
        base = session.run("test_it.py::TestBase::test_it")["configuration"]["id"]
        derived = session.run("test_it.py::TestDerived::test_it")["configuration"]["id"]
        assert (base, derived) == ("threads-3", "threads-2")


class TestAddMarker:
    CASES = """
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            note(n)
            return n
        """

    def add(self, scratch: Scratch, mark: str) -> None:
        scratch.write(
            "conftest.py",
            f"""
            import pytest

            def pytest_collection_modifyitems(items):
                for item in items:
                    item.add_marker(pytest.mark.parwork{mark})
            """,
        )

    def test_a_conftest_can_mark_tests_after_collection(self, scratch: Scratch) -> None:
        self.add(scratch, "(backend='threads', workers=2)")
        scratch.cases(self.CASES)
        session = scratch.run(report=True)
        assert session.counts == {"passed": 4}
        assert set(session.verdicts("test_it.py::test_it").values()) == {"EQUAL"}
        assert len(scratch.notes()) == 8

    @pytest.mark.usefixtures("keeps_helpers")  # loky starts for what the function says
    def test_it_is_closer_than_the_function(self, scratch: Scratch) -> None:
        self.add(scratch, "(backend='threads', workers=2)")
        scratch.cases("\npytestmark = pytest.mark.parwork(workers=3)\n" + self.dedented())
        run = scratch.run(report=True).run("test_it.py::test_it")
        assert run["configuration"]["id"] == "threads-2"

    def dedented(self) -> str:
        return dedent(self.CASES)

    def test_a_part_of_a_workload_that_was_marked_late_is_not_judged(
        self, scratch: Scratch
    ) -> None:
        self.add(scratch, "(backend='threads', workers=2)")
        scratch.cases(self.CASES)
        session = scratch.run("-k", "1", report=True)
        assert session.run("test_it.py::test_it")["exercised"] is None
        assert "NOT EXERCISED" not in session.text

    def test_a_workload_that_was_marked_late_is_judged_when_complete(
        self, scratch: Scratch
    ) -> None:
        self.add(scratch, "(backend='threads', workers=2)")
        scratch.cases(self.CASES)
        assert scratch.run(report=True).run("test_it.py::test_it")["exercised"] is True

    @pytest.mark.parametrize(
        ("mark", "told"),
        [
            ("(backend=['threads', 'serial'])", "backend=('threads', 'serial') was added after"),
            ("(workers=[1, 2])", "workers=(1, 2) was added after"),
        ],
    )
    def test_a_list_is_a_usage_error(self, scratch: Scratch, mark: str, told: str) -> None:
        self.add(scratch, mark)
        scratch.cases(self.CASES)
        session = scratch.run()
        assert session.code == pytest.ExitCode.USAGE_ERROR
        assert told in session.text
        assert "put it on the function, or give add_marker a single value" in session.text
        assert scratch.notes() == []

    @pytest.mark.parametrize("function", ["", "@pytest.mark.parwork(workers=2)"])
    def test_a_least_speedup_is_a_usage_error(self, scratch: Scratch, function: str) -> None:
        self.add(scratch, "(backend='threads', min_speedup=2)")
        scratch.cases(f"{function}\n{self.dedented()}")
        session = scratch.run()
        assert session.code == pytest.ExitCode.USAGE_ERROR
        assert "min_speedup=2 was added after collection" in session.text
        assert "put it on the function, class or module" in session.text
        assert scratch.notes() == []

    def test_a_bad_value_is_a_usage_error(self, scratch: Scratch) -> None:
        self.add(scratch, "(workers=0)")
        scratch.cases(self.CASES)
        session = scratch.run()
        assert session.code == pytest.ExitCode.USAGE_ERROR
        assert "test_it.py::test_it[0]: workers=0" in session.text
        assert scratch.notes() == []


#: Bad markers, and what is said of each.
BAD = [
    ("(retries=3)", "unknown keyword 'retries'; known: backend, workers, compare"),
    ("(timeout=0)", "timeout=0; give the seconds that a case may take, in either run, above 0"),
    ("(timeout='3')", "timeout='3'; give the seconds that a case may take"),
    ("(timeout=float('inf'))", "timeout=inf; give the seconds that a case may take"),
    ("('threads')", "parwork takes keywords only, not 'threads'; known: backend, workers"),
    (
        "(backend='thread')",
        "backend 'thread' (did you mean 'threads'?); known: dask, isolated[",
    ),
    (
        "(backend='processes:vfork')",
        "'processes:vfork' (did you mean 'processes:fork'?); known",
    ),
    ("(backend='multiprocessing:map:spawn')", "(did you mean 'multiprocessing:spawn:map'?)"),
    ("(backend=None)", "unknown backend None; known: "),
    ("(backend=['threads', 'rocket'])", "unknown backend 'rocket'; known: "),
    ("(backend=[])", "backend=[] is empty; give a backend's name, or a list of names"),
    ("(backend=['threads', 'threads'])", "has a duplicate; give each value once"),
    ("(workers=0)", 'workers=0; give a positive int, "auto" (or -1), or a list of these'),
    ("(workers=-2)", "workers=-2; give a positive int"),
    ("(workers=2.0)", "workers=2.0; give a positive int"),
    ("(workers=True)", "workers=True; give a positive int"),
    ("(workers='2')", "workers='2'; give a positive int"),
    ("(workers=None)", "workers=None; give a positive int"),
    ("(workers=[2, 0])", "workers=0; give a positive int"),
    ("(workers=['auto', -1])", "has a duplicate; give each value once"),
    ("(workers=range(1, 3))", "workers=range(1, 3); give a positive int"),
    ("(verify=1.5)", "verify=1.5; give the share of cases that also run serially, from 0 to 1"),
    ("(verify=-0.1)", "verify=-0.1; give the share"),
    ("(verify='all')", "verify='all'; give the share"),
    ("(verify=True)", "verify=True; give the share"),
    ("(verify=float('nan'))", "verify=nan; give the share"),
    ("(min_speedup=0)", "min_speedup=0; give the lowest accepted ratio"),
    ("(min_speedup=-1)", "min_speedup=-1; give the lowest"),
    ("(min_speedup='2x')", "min_speedup='2x'; give the lowest"),
    ("(chunksize=0)", 'chunksize=0; give tasks per batch: a positive int, or "auto"'),
    ("(chunksize='big')", "chunksize='big'; give tasks per batch"),
    (
        "(compare='close')",
        "'close' is not a policy: give exact(), ulp(…), close(rtol=…), unordered(), a function",
    ),
    ("(compare=close)", "call it, as in close(rtol=1e-7)"),
    ("(compare=None)", "None is not a policy"),
]


def test_bad_markers_are_all_reported_before_anything_starts(scratch: Scratch) -> None:
    scratch.cases("def test_other(): note('other')\n", path="test_another.py")
    for number, (marker, _) in enumerate(BAD):
        scratch.cases(
            f"""
            from pytest_parwork import close

            @pytest.mark.parwork{marker}
            def test_it(): note("ran")
            """,
            path=f"test_{number}.py",
        )
    session = scratch.run()
    assert session.code == pytest.ExitCode.INTERRUPTED
    assert scratch.notes() == []
    assert "Traceback" not in session.text
    reports = [line for line in session.lines if not line.startswith("ERROR ")]
    for number, (marker, told) in enumerate(BAD):
        (line,) = [line for line in reports if line.startswith(f"test_{number}.py::test_it: ")]
        assert told in line, marker


@pytest.mark.parametrize("keyword", ["backend='threads'", "workers=2", "workers=[1, 2]"])
def test_a_configuration_on_a_parameter_is_a_usage_error(scratch: Scratch, keyword: str) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork
        @pytest.mark.parametrize("n", [0, pytest.param(1, marks=pytest.mark.parwork({keyword}))])
        def test_it(n): note("ran")
        """
    )
    session = scratch.run()
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert "test_it.py::test_it[1]: " in session.text
    assert "on a pytest.param" in session.text
    assert "put it on the function" in session.text
    assert scratch.notes() == []


@pytest.mark.parametrize("keyword", ["min_speedup=2", "chunksize=3"])
def test_a_keyword_of_the_run_on_a_parameter_is_a_usage_error(
    scratch: Scratch, keyword: str
) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork
        @pytest.mark.parametrize("n", [0, pytest.param(1, marks=pytest.mark.parwork({keyword}))])
        def test_it(n): note("ran")
        """
    )
    session = scratch.run()
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert "on a pytest.param" in session.text
    assert scratch.notes() == []


def test_workers_minus_one_is_auto(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=-1)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n): return n
        """
    )
    run = scratch.run(report=True).run("test_it.py::test_it")
    assert run["configuration"]["id"] == "threads-auto"


def test_the_typed_marker_is_the_same(scratch: Scratch) -> None:
    scratch.cases(
        """
        from pytest_parwork import parwork

        @parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n): return n
        """
    )
    session = scratch.run(report=True)
    assert session.run("test_it.py::test_it")["configuration"]["id"] == "threads-2"


def test_the_marker_is_known_under_strict_markers(scratch: Scratch) -> None:
    scratch.cases("@pytest.mark.parwork(backend='threads')\ndef test_it(): return 1\n")
    assert scratch.run("--strict-markers").counts == {"passed": 1}


#: Policies, and whether one step in the ninth digit passes.
POLICIES = {
    "exact()": False,
    "close(rtol=1e-6)": True,
    "close(rtol=1e-12)": False,
    "lambda actual, expected: abs(actual - expected) < 1e-6": True,
    "lambda actual, expected: actual == expected": False,
    "partial(np.testing.assert_allclose, rtol=1e-6)": True,
    "np.testing.assert_array_equal": False,
    "np.allclose": True,
}


def test_the_policy_decides(scratch: Scratch) -> None:
    head = """
        from functools import partial
        import numpy as np
        from pytest_parwork import close, exact

        def after(n): return float(n) if is_here() else n + 1e-9

        """
    cases = [
        f"""
        @pytest.mark.parwork(backend="processes:fork", workers=2, compare={policy})
        @pytest.mark.parametrize("n", range(1, 3))
        def test_{number}(n): return after(n)
        """
        for number, policy in enumerate(POLICIES)
    ]
    scratch.cases(head + "".join(cases))
    found = scratch.run().cases
    for number, (policy, passes) in enumerate(POLICIES.items()):
        for n in (1, 2):
            assert (found[f"test_it.py::test_{number}[{n}]"] == "passed") is passes, policy


def test_a_policy_that_gives_no_answer_fails_its_cases_by_name(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2, compare=lambda a, b: "yes")
        @pytest.mark.parametrize("n", range(2))
        def test_it(n): return n
        """
    )
    session = scratch.run()
    assert session.counts == {"failed": 2}
    assert "returned 'yes' (str): a comparison must return True, False or None" in session.text


def test_the_signature_of_the_typed_marker_has_all_keywords() -> None:
    parameters = inspect.signature(parwork).parameters
    assert next(iter(parameters)) == "function"
    assert set(parameters) - {"function"} == set(KEYWORDS)
    assert parameters["workers"].annotation == "WorkersAsked | Sequence[WorkersAsked]"
    for text in ("backend: 'str | Sequence[str]' = 'joblib'", "compare: 'Compare' = exact()"):
        assert text in pydoc.plain(pydoc.render_doc(parwork))


def test_a_mark_that_is_nearly_ours_is_an_error_unless_registered(scratch: Scratch) -> None:
    names = ["parworks", "parwok", "ParWork", "par_work"]
    for name in names:
        scratch.cases(f"@pytest.mark.{name}\ndef test_it(): pass\n", f"test_{name}.py")
    session = scratch.run("-W", "ignore")
    assert session.code == pytest.ExitCode.INTERRUPTED
    for name in names:
        text = f"test_{name}.py::test_it: unknown mark {name!r}; is it 'parwork'?"
        assert text in session.text
    registered = "".join(f"    {name}(n): of another plugin\n" for name in names)
    scratch.write("pytest.ini", f"[pytest]\nmarkers =\n{registered}")
    assert scratch.run().counts == {"passed": 4}


def test_other_marks_are_none_of_our_business(scratch: Scratch) -> None:
    names = ["patchwork", "parallel", "network", "slow"]
    scratch.cases("".join(f"@pytest.mark.{name}\ndef test_{name}(): pass\n" for name in names))
    assert scratch.run("-W", "ignore").counts == {"passed": 4}
