"""Lists make a matrix: ids, order, and one reference for all configurations."""

from __future__ import annotations

import pytest

from .scratch import Scratch


@pytest.mark.parametrize(
    ("marker", "ids"),
    [
        ("", ["test_fib[7]", "test_fib[8]"]),
        ("(backend='threads', workers=2)", ["test_fib[7]", "test_fib[8]"]),
        (
            "(backend=['threads', 'processes:fork'], workers=2)",
            [
                "test_fib[threads-7]",
                "test_fib[threads-8]",
                "test_fib[processes:fork-7]",
                "test_fib[processes:fork-8]",
            ],
        ),
        (
            "(backend='threads', workers=[4, 'auto'])",
            ["test_fib[4-7]", "test_fib[4-8]", "test_fib[auto-7]", "test_fib[auto-8]"],
        ),
        (
            "(backend=['threads', 'serial'], workers=[4, 2])",
            [
                "test_fib[threads-4-7]",
                "test_fib[threads-4-8]",
                "test_fib[threads-2-7]",
                "test_fib[threads-2-8]",
                "test_fib[serial-4-7]",
                "test_fib[serial-4-8]",
                "test_fib[serial-2-7]",
                "test_fib[serial-2-8]",
            ],
        ),
        ("(backend=('threads',))", ["test_fib[threads-7]", "test_fib[threads-8]"]),
        ("(workers=[-1])", ["test_fib[auto-7]", "test_fib[auto-8]"]),
    ],
)
def test_ids_show_what_was_given_as_a_list_outermost_first(
    scratch: Scratch, marker: str, ids: list[str]
) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork{marker}
        @pytest.mark.parametrize("n", [7, 8])
        def test_fib(n): return n
        """
    )
    session = scratch.run("--collect-only", "-q")
    assert [line for line in session.lines if "::" in line] == [f"test_it.py::{id}" for id in ids]


def test_an_unparametrized_test_has_only_the_configuration(scratch: Scratch) -> None:
    scratch.cases("@pytest.mark.parwork(workers=[1, 2])\ndef test_it(): return 1\n")
    session = scratch.run("--collect-only", "-q")
    assert [line for line in session.lines if "::" in line] == [
        "test_it.py::test_it[1]",
        "test_it.py::test_it[2]",
    ]


def test_it_stays_the_outer_loop_alongside_wide_fixtures(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.fixture(scope="module", params=["x", "y"])
        def wide(request):
            return request.param

        @pytest.mark.parwork(backend=["threads", "serial"], workers=2)
        @pytest.mark.parametrize("n", [1, 2])
        def test_it(n, wide): return n
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 8}
    assert all(run["verdict"] != "DIFFERENT" for run in session.report["runs"])
    assert {len(run["cases"]) for run in session.report["runs"]} == {4}


def test_each_configuration_is_a_run_of_one_workload(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["threads", "processes:fork"], workers=[2, 3])
        @pytest.mark.parametrize("n", range(4))
        def test_it(n): return n
        """
    )
    session = scratch.run(report=True)
    assert [(run["id"], run["configuration"]["id"]) for run in session.report["runs"]] == [
        ("test_it.py::test_it", f"{backend}-{workers}")
        for backend in ("threads", "processes:fork")
        for workers in (2, 3)
    ]
    assert session.title.startswith("parwork: 1 workload, ")
    assert session.counts == {"passed": 16}


def test_the_reference_of_a_case_is_computed_once(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["threads", "processes:fork"], workers=[2, 3])
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            note(n)
            return n
        """
    )
    session = scratch.run()
    notes = scratch.notes()
    assert session.counts == {"passed": 12}
    here = sorted(note for note in notes if note.endswith(" here"))
    assert here == ["0 here", "1 here", "2 here"]
    assert len(notes) == len(here) + 12


def test_a_kept_reference_fails_every_configuration_alike(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["threads", "processes:fork"], workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            assert n == 0
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 2, "failed": 2}
    assert session.summary == [
        "FAILED test_it.py::test_it[threads-1] - assert 1 == 0",
        "FAILED test_it.py::test_it[processes:fork-1] - assert 1 == 0",
    ]


def test_a_reference_is_made_anew_where_the_wide_value_is(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.fixture(scope="module", params=[1, 2])
        def wide(request):
            return [request.param]

        @pytest.mark.parwork(backend=["threads", "serial"], workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, wide):
            note(f"{n}-{wide[0]}")
            return n, wide
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 8}


def test_a_difference_in_one_configuration_fails_there_only(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["serial", "processes:fork"], workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            return is_here()
        """
    )
    session = scratch.run(report=True)
    assert {id: outcome for id, outcome in session.cases.items() if outcome == "failed"} == {
        f"test_it.py::test_it[processes:fork-{n}]": "failed" for n in range(2)
    }
    assert session.run("test_it.py::test_it", "processes:fork-2")["mismatch_count"] == 2


def test_selecting_by_the_configuration_works(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["threads", "serial"], workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n): return n
        """
    )
    session = scratch.run("-k", "threads", report=True)
    assert session.counts == {"passed": 2, "deselected": 2}
    assert [run["configuration"]["id"] for run in session.report["runs"]] == ["threads-2"]
    assert session.report["runs"][0]["exercised"] is True


def test_methods_of_a_marked_class_have_the_matrix_each(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["threads", "serial"])
        class TestIt:
            def test_a(self): return 1
            def test_b(self): return 2
        """
    )
    session = scratch.run("--collect-only", "-q")
    assert [line for line in session.lines if "::" in line] == [
        f"test_it.py::TestIt::test_{name}[{backend}]"
        for name in "ab"
        for backend in ("threads", "serial")
    ]
