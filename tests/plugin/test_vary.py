"""`vary=`: the arguments of code that is parallel itself, each value compared with the first."""

from __future__ import annotations

import re

import pytest

from .scratch import Scratch

#: A module under test: a sum on a pool, right or wrong.
LIBRARY = """
from concurrent.futures import ThreadPoolExecutor

def squares(count, n_jobs, wrong=False):
    if n_jobs == 1:
        return [i * i for i in range(count)]
    with ThreadPoolExecutor(3 if n_jobs == -1 else n_jobs) as pool:
        found = list(pool.map(lambda i: i * i, range(count)))
    return found[:-1] if wrong else found
"""


def library(scratch: Scratch) -> None:
    scratch.write("library.py", LIBRARY)


def ids(session_lines: list[str]) -> list[str]:
    return [line.partition("::")[2] for line in session_lines if "::" in line]


def test_the_values_are_the_innermost_axis_and_read_well(scratch: Scratch) -> None:
    scratch.cases(
        """
        class Model: pass

        @pytest.fixture(scope="module", params=["x", "y"])
        def wide(request): return request.param

        @pytest.mark.parwork(vary={"n_jobs": [1, 2, -1]})
        @pytest.mark.parametrize("k", [7, 8])
        def test_a(k, n_jobs): return k

        @pytest.mark.parwork(vary={"chunks": [(64, 64), [32, 16], (8, (4, 4)), None]})
        def test_b(chunks): return 1

        @pytest.mark.parwork(vary={"n_jobs": (1, 2), "engine": ["numpy", "numexpr", len]})
        def test_c(engine, n_jobs): return 1

        class TestD:
            @pytest.mark.parwork(vary={"model": [Model(), Model(), pytest.param({}, id="none")]})
            def test_d(self, model, wide): return 1
        """
    )
    session = scratch.run("--collect-only", "-q")
    assert ids(session.lines) == [
        *(f"test_a[{k}-n_jobs:{n}]" for k in (7, 8) for n in (1, 2, -1)),
        *(f"test_b[chunks:{each}]" for each in ("64x64", "32x16", "8,4x4", "None")),
        "test_c[n_jobs:1-engine:numpy]",
        "test_c[n_jobs:2-engine:numpy]",
        "test_c[n_jobs:1-engine:numexpr]",
        "test_c[n_jobs:1-engine:len]",
        *(
            f"TestD::test_d[{wide}-model:{each}]"
            for wide in "xy"
            for each in ("Model", "Model-1", "none")
        ),
    ]


def test_each_value_is_compared_with_the_reference_of_its_case(scratch: Scratch) -> None:
    library(scratch)
    scratch.cases(
        """
        from library import squares

        @pytest.fixture(scope="session")
        def session(): return []
        @pytest.fixture(scope="module")
        def module(session): return [*session, 1]
        @pytest.fixture
        def data(request, module, tmp_path): return [*module, request.param]

        @pytest.mark.parwork(vary={"n_jobs": [1, 2, -1]})
        class TestIt:
            @pytest.mark.parametrize("data", [4, 8], indirect=True)
            @pytest.mark.parametrize("wrong", [False, True])
            def test_squares(self, data, n_jobs, wrong):
                note(f"{data[1]}-{wrong}-{n_jobs}")
                return squares(data[1], n_jobs, wrong)
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 8, "failed": 4}
    names = [f"{d}-{w}-{n}" for w in (False, True) for d in (4, 8) for n in (1, 2, -1)]
    assert scratch.notes() == [f"{name} here" for name in names]
    workload = "test_it.py::TestIt::test_squares"
    verdicts = {
        "False-4": "EQUAL",
        "False-8": "EQUAL",
        "True-4": "DIFFERENT",
        "True-8": "DIFFERENT",
    }
    for n in (2, -1):
        run = session.run(workload, f"n_jobs:{n}")
        assert session.verdicts(workload, f"n_jobs:{n}") == {
            f"{rest}-n_jobs:{n}": verdict for rest, verdict in verdicts.items()
        }
        assert run["exercised"] is True
        assert run["configuration"]["backend"] is None
        assert run["configuration"]["variation"]["values"] == {"n_jobs": str(n)}
        assert run["configuration"]["workers"]["resolved"] == (2 if n == 2 else 3)
        pool = {"name": "ThreadPoolExecutor", "workers": 2 if n == 2 else 3, "tasks": 4}
        assert run["cases"][0]["legs"]["actual"]["pools"] == [pool]
        assert run["cases"][0]["legs"]["reference"]["pools"] == []
    assert len(session.report["runs"]) == 2  # the reference is part of both, and no run itself
    assert "n_jobs:-1 and n_jobs:2 agree with one another" in session.out


def test_a_value_alone_runs_its_reference_hidden_and_once(scratch: Scratch) -> None:
    library(scratch)
    scratch.cases(
        """
        from library import squares

        @pytest.fixture
        def own(request):
            note(f"set up {request.node.name}")
            yield
            note(f"torn down {request.node.name}")

        @pytest.mark.parwork(vary={"n_jobs": [1, 2, 3]})
        @pytest.mark.parametrize("count", [4, 5])
        def test_it(count, n_jobs, own):
            note(f"{count}-{n_jobs}")
            return squares(count, n_jobs, wrong=n_jobs == 3)
        """
    )
    session = scratch.run("-k", "4-n_jobs:2 or 4-n_jobs:3", report=True)
    assert session.cases == {
        "test_it.py::test_it[4-n_jobs:2]": "passed",
        "test_it.py::test_it[4-n_jobs:3]": "failed",
    }
    assert [line.removesuffix(" here") for line in scratch.notes()] == [
        line
        for n in (1, 2, 3)
        for line in (
            f"set up test_it[4-n_jobs:{n}]",
            f"4-{n}",
            f"torn down test_it[4-n_jobs:{n}]",
        )
    ]
    # One of the two cases has run in parallel; that the other might not needs no proof.
    assert session.run("test_it.py::test_it", "n_jobs:2")["exercised"] is True

    again = scratch.run("--lf", "-p", "cacheprovider")
    assert again.counts["failed"] == 1


def test_what_differs_is_called_again_to_see_whether_it_differs_from_itself(
    scratch: Scratch,
) -> None:
    scratch.cases(
        """
        from pytest_parwork import parwork
        vary = {"n_jobs": [1, 2]}

        @parwork(vary=vary, diagnose=True)
        def test_same(n_jobs):
            note(n_jobs)
            return {"x": 1.0 if n_jobs == 1 else 1.0 + 2.0**-50}

        @parwork(vary=vary, diagnose=True)
        def test_race(n_jobs): return random.random() if n_jobs > 1 else 0.0

        @parwork(vary=vary, diagnose=True)
        def test_unseeded(n_jobs): return random.random()

        @parwork(vary=vary, diagnose=False)
        def test_forbidden(n_jobs):
            note(f"forbidden {n_jobs}")
            return n_jobs
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 4, "failed": 4}
    here = [noted for noted in scratch.notes() if noted.endswith(" here")]  # all but the diagnosis
    assert here == [*("1 here", "2 here", "2 here"), *("forbidden 1 here", "forbidden 2 here")]
    notes = {
        run["id"].partition("::")[2]: " ".join(
            note["text"] for note in run["notes"] if note["kind"] in ("again", "rounding")
        )
        for run in session.report["runs"]
    }
    assert notes == {
        "test_same": "another order of summation can do that with 5 terms of one sign or more "
        "(relative difference 8.9e-16) n_jobs:2 returned exactly the same when it was called "
        "again: rather another order, random stream or branch than a race",
        "test_race": "n_jobs:2 differs from itself when it is called again, and n_jobs:1 does "
        "not: what runs in parallel is not deterministic",
        "test_unseeded": "even n_jobs:1 differs from itself when it is called again with the same "
        "arguments: an unseeded generator, or arguments that the test changes",
        "test_forbidden": "",
    }


def test_only_the_reference_has_nothing_to_compare(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
        def test_it(n_jobs): return n_jobs
        """
    )
    session = scratch.run("-k", "n_jobs:1", report=True)
    assert session.counts == {"passed": 1, "deselected": 1}
    assert session.report["runs"] == []


def test_a_reference_is_released_with_the_last_value_that_needs_it(scratch: Scratch) -> None:
    scratch.cases(
        """
        import gc, weakref
        class Value:
            def __eq__(self, other): return isinstance(other, Value)
            __hash__ = None
        made = []

        @pytest.mark.parwork(vary={"chunks": [1, 2, 3]})
        @pytest.mark.parametrize("case", range(3))
        def test_it(chunks, case):
            if chunks == 1:
                gc.collect()
                assert [ref for ref in made if ref() is not None] == []
            value = Value()
            made.append(weakref.ref(value))
            return value
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 9}


def test_outcomes_that_are_no_values(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(vary={"chunks": [1, 2]})
        @pytest.mark.parametrize("how", ["same", "here", "there", "skip", "none", "assert"])
        def test_it(how, chunks):
            if how == "same" or how == "here" and chunks == 1 or how == "there" and chunks == 2:
                raise ValueError("bad")
            if how == "skip":
                pytest.skip("never")
            assert how != "assert"

        @pytest.mark.parwork(vary={"chunks": [1, 2]})
        def test_nothing(chunks): pass
        """
    )
    session = scratch.run(report=True)
    got = {id.partition("[")[2][:-1]: outcome for id, outcome in session.cases.items()}
    assert got == {
        "same-chunks:1": "failed",
        "same-chunks:2": "failed",
        "here-chunks:1": "failed",
        "here-chunks:2": "failed",
        "there-chunks:1": "passed",
        "there-chunks:2": "failed",
        "skip-chunks:1": "skipped",
        "skip-chunks:2": "skipped",
        "none-chunks:1": "passed",
        "none-chunks:2": "passed",
        "assert-chunks:1": "failed",
        "assert-chunks:2": "failed",
        "chunks:1": "passed",
        "chunks:2": "passed",
    }
    assert session.verdicts("test_it.py::test_it", "chunks:2") == {
        "same-chunks:2": "EQUAL",
        "here-chunks:2": "DIFFERENT",
        "there-chunks:2": "DIFFERENT",
        "skip-chunks:2": "EQUAL",
        "none-chunks:2": "EQUAL",
        "assert-chunks:2": "EQUAL",
    }
    nothing = session.run("test_it.py::test_nothing")
    assert (nothing["compared"], nothing["exercised"]) == ("outcomes", None)
    assert "no value returned" in session.out
    assert "  with chunks:2:\n" in session.out  # the traceback of what raised there only
    assert "DIFFERENT: chunks:1 value None, chunks:2 ValueError: bad" in session.out


def test_a_time_limit_holds_for_the_reference_and_for_each_value(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(vary={"slow": [1, 2, 3]}, timeout=0.3)
        @pytest.mark.parametrize("which", [1, 2])
        def test_it(which, slow):
            while slow == which: time.sleep(0.01)
            return 1
        """
    )
    session = scratch.run(report=True)
    verdicts = {
        **session.verdicts("test_it.py::test_it", "slow:2"),
        **session.verdicts("test_it.py::test_it", "slow:3"),
    }
    assert verdicts == {
        "1-slow:2": "LOST",
        "1-slow:3": "LOST",
        "2-slow:2": "LOST",
        "2-slow:3": "EQUAL",
    }
    assert session.counts == {"failed": 4, "passed": 2}
    assert "LOST: timed out after 0.3 s in the run with slow:2" in session.out
    assert "LOST: timed out after 0.3 s in the reference, slow:1" in session.out


def test_policies_and_expected_failures_apply_to_values_and_cases(scratch: Scratch) -> None:
    scratch.cases(
        """
        from pytest_parwork import MismatchError, close, parwork
        from pytest import mark, param

        known = mark.xfail(raises=MismatchError, strict=True)
        rounded = parwork(compare=close(rtol=0.1))

        @parwork(vary={"chunks": [1.0, 1.01, param(1.02, marks=rounded)]})
        @pytest.mark.parametrize("k", [0, param(1, marks=known), param(2, marks=mark.xfail)])
        def test_it(k, chunks):
            return {"k": k, "x": chunks}

        @parwork(vary={"chunks": [1.0, 1.5]}, compare={"x": close(rtol=1)})
        def test_keys(chunks):
            return {"k": 0, "x": chunks}

        @parwork(vary={"chunks": [1, param(2, marks=known)]})
        def test_value(chunks):
            return chunks
        """
    )
    session = scratch.run("-o", "xfail_strict=false")
    assert {id.partition("::")[2]: outcome for id, outcome in session.cases.items()} == {
        "test_it[0-chunks:1.0]": "passed",
        "test_it[0-chunks:1.01]": "failed",
        "test_it[0-chunks:1.02]": "passed",
        # Only a comparison can be what is expected to fail; the reference is none.
        "test_it[1-chunks:1.0]": "passed",
        "test_it[1-chunks:1.01]": "xfailed",
        "test_it[1-chunks:1.02]": "failed",
        # Any other xfail does not hide a verdict.
        "test_it[2-chunks:1.0]": "xpassed",
        "test_it[2-chunks:1.01]": "failed",
        "test_it[2-chunks:1.02]": "xpassed",
        "test_keys[chunks:1.0]": "passed",
        "test_keys[chunks:1.5]": "passed",
        "test_value[chunks:1]": "passed",
        "test_value[chunks:2]": "xfailed",
    }


def test_what_did_not_run_in_parallel_is_not_exercised(scratch: Scratch) -> None:
    library(scratch)
    scratch.cases(
        """
        from library import squares
        from concurrent.futures import ThreadPoolExecutor

        @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
        def test_serial(n_jobs): return 1

        @pytest.mark.parwork(vary={"n_jobs": [2, 3]})
        def test_pool_in_reference(n_jobs): return squares(4, n_jobs)

        @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
        def test_single_task(n_jobs): return squares(1, n_jobs)

        @pytest.mark.parwork(vary={"engine": ["a", "b"]})
        def test_engine(engine): return 1

        @pytest.mark.parwork(vary={"teams": [1, 2]})
        def test_named_in_ini(teams): return 1

        @pytest.mark.parwork(vary={"scheduler": ["threads", "sync"]})
        def test_serial_scheduler(scheduler): return 1
        """
    )
    scratch.write("pytest.ini", "[pytest]\nparwork_counts_workers = teams gangs\n")
    session = scratch.run(report=True)
    assert {run["id"].partition("::")[2]: run["exercised"] for run in session.report["runs"]} == {
        "test_serial": False,
        "test_pool_in_reference": True,
        "test_single_task": False,
        "test_engine": None,
        "test_named_in_ini": False,
        "test_serial_scheduler": None,
    }
    text = " ".join(session.out.split())
    assert "NOT EXERCISED: with n_jobs:2, no pool, thread or process was used" in text
    assert "with n_jobs:2, ThreadPoolExecutor with 2 workers was given a single task" in text
    assert (
        "the reference n_jobs:2 used ThreadPoolExecutor with 2 workers: a defect in every worker "
        "would stay unseen"
    ) in text
    assert session.counts == {"passed": 12}

    strict = scratch.run("--parwork-strict")
    checks = {id: how for id, how in strict.cases.items() if "exercised" in id}
    assert {id.partition("::")[2]: how for id, how in checks.items()} == {
        "test_serial[n_jobs:2-exercised]": "failed",
        "test_pool_in_reference[n_jobs:3-exercised]": "failed",
        "test_single_task[n_jobs:2-exercised]": "failed",
        "test_engine[engine:b-exercised]": "skipped",
        "test_named_in_ini[teams:2-exercised]": "failed",
        "test_serial_scheduler[scheduler:sync-exercised]": "skipped",
    }


def test_the_speed_by_workers_is_a_table_and_can_be_required(scratch: Scratch) -> None:
    scratch.cases(
        """
        from concurrent.futures import ThreadPoolExecutor
        @pytest.mark.parwork(vary={"n_jobs": [1, 2, 4]}, min_speedup=1.1)
        def test_sleep(n_jobs):
            with ThreadPoolExecutor(n_jobs) as pool:
                # Far from as fast as the workers can be: on a busy machine that would be too fast.
                return list(pool.map(time.sleep, [0.12, *[0.02] * 4]))

        @pytest.mark.parwork(vary={"n_jobs": [1, 2]}, min_speedup=50)
        def test_slow(n_jobs):
            with ThreadPoolExecutor(n_jobs) as pool:
                return list(pool.map(time.sleep, [0.15, 0.03]))
        """
    )
    session = scratch.run(report=True)
    (scaling, other) = session.report["scaling"]
    assert scaling["id"] == "test_it.py::test_sleep"
    scales = scaling["scales"]
    assert [(s["label"], s["workers"]) for s in scales] == [
        ("n_jobs:1", 1),
        ("n_jobs:2", 2),
        ("n_jobs:4", 4),
    ]
    for each in scales:
        assert each["speedup"] == pytest.approx(scales[0]["seconds"] / each["seconds"])
        assert each["efficiency"] == pytest.approx(each["speedup"] / each["workers"])
    assert 0 <= scaling["serial_share"] <= 1
    assert other["serial_share"] is None  # two numbers of workers fit any law
    assert "Karp-Flatt" in session.out
    assert "Amdahl's law: " in session.out
    assert session.cases["test_it.py::test_sleep[n_jobs:2-min_speedup]"] == "passed"
    # With fewer CPUs than workers, speed is no fault of the code.
    assert session.cases["test_it.py::test_slow[n_jobs:2-min_speedup]"] in ("failed", "skipped")


#: A marker, the arguments of the test, and the error.
WRONG = [
    ("vary={}", "n", 'vary={}; give {"argument": [reference, other, ...]}'),
    ("vary=[1, 2]", "n", "vary=[1, 2]; give {"),
    ("vary={'n': []}", "n", "vary={'n': []} is empty; give the reference first, and a value"),
    ("vary={'n': [1]}", "n", "vary={'n': [1]} has only the reference; give the reference first"),
    ("vary={'n': 2}", "n", "vary={'n': 2}: give a list of values, the reference first"),
    ("vary={'n': 'ab'}", "n", "vary={'n': 'ab'}: give a list of values, the reference first"),
    ("vary={'n': (i for i in [1, 2])}", "n", ": give a list of values, the reference first"),
    ("vary={'n': [1, 2, 2]}", "n", "vary={'n': [1, 2, 2]} has 2 twice; give each value once"),
    ("vary={1: [1, 2]}", "n", "vary={1: [1, 2]}: 1 is no argument's name; give {"),
    (
        "vary={'m': [1, 2]}",
        "n=1",
        "vary={'m': ...}: neither the test nor its fixtures take an argument 'm'",
    ),
    (
        "vary={'k': [1, 2]}",
        "k",
        "vary={'k': ...}: the test is parametrized by 'k' already; remove one of the two",
    ),
    (
        "vary={'wide': [1, 2]}",
        "wide",
        "vary={'wide': ...}: the fixture 'wide' has params already; remove one of the two",
    ),
    (
        "vary={'n': [1, 2]}, backend='threads'",
        "n",
        "backend='threads' and vary={'n': [1, 2]} in one marker: a test has one of backend, ",
    ),
    (
        "vary={'n': [1, 2]}, workers=2",
        "n",
        "workers=2 has no meaning with vary=, whose calls run in pytest's process; remove it",
    ),
    (
        "vary={'n': [1, 2]}",
        "n, parwork",
        "vary= varies what the test itself calls, but this test makes calls by the fixture "
        "'parwork'; use one of the two",
    ),
]


def test_bad_input_names_the_value_and_the_remedy(scratch: Scratch) -> None:
    for number, (marker, signature, _) in enumerate(WRONG):
        parametrize = '@pytest.mark.parametrize("k", [1])' if signature == "k" else ""
        scratch.cases(
            f"""
            @pytest.fixture(params=[1, 2])
            def wide(request): return request.param

            @pytest.mark.parwork({marker})
            {parametrize}
            def test_it({signature}): return 1
            """,
            path=f"test_{number:02}.py",
        )
    session = scratch.run()
    assert session.counts == {"errors": len(WRONG)}
    errors = re.split(r"_+ ERROR collecting test_\d+.py _+", session.out)[1:]
    for (_, _, message), error in zip(WRONG, errors, strict=True):
        assert message in " ".join(error.replace("\nE   ", " ").split())


def test_the_closest_choice_wins_and_options_for_backends_do_not_apply(scratch: Scratch) -> None:
    scratch.cases(
        """
        pytestmark = pytest.mark.parwork(backend="threads", workers=2, verify=0.5)

        @pytest.mark.parwork(vary={"chunks": [1, 2]})
        def test_vary(chunks): return is_here()

        @pytest.mark.parwork(vary={"chunks": [1, 2]})
        class TestIt:
            @pytest.mark.parwork(backend="serial")
            @pytest.mark.parametrize("chunks", [1, 2])
            def test_backend(self, chunks): return 1
        """
    )
    session = scratch.run("--parwork-backend=processes:fork,threads", report=True)
    assert session.counts == {"passed": 4}
    assert [(run["id"], run["configuration"]["id"]) for run in session.report["runs"]] == [
        ("test_it.py::test_vary", "chunks:2"),
        ("test_it.py::TestIt::test_backend", "serial-auto"),
    ]


def test_tests_that_a_mark_around_them_reaches_in_vain_are_plain(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
        class TestIt:
            def test_takes_it(self, n_jobs): return 1
            def test_does_not(self): return None
            async def test_cannot(self, n_jobs): return 1
        """
    )
    session = scratch.run("-k", "not cannot", report=True)
    assert session.counts["passed"] == 3
    assert [run["id"] for run in session.report["runs"]] == ["test_it.py::TestIt::test_takes_it"]
    assert [(one["id"], one["reason"]) for one in session.report["plain"]] == [
        ("test_it.py::TestIt::test_does_not", "takes no argument that is varied")
    ]


def test_markers_that_come_too_late_are_errors(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parametrize("n_jobs", [1])
        def test_it(n_jobs): return 1
        """
    )
    scratch.write(
        "conftest.py",
        """
        import pytest
        def pytest_collection_modifyitems(items):
            items[0].add_marker(pytest.mark.parwork(vary={"n_jobs": [1, 2]}))
        """,
    )
    session = scratch.run()
    assert "vary= was added after parametrization, too late to vary anything" in session.text


def test_shuffled_values_are_run_in_order_and_together(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(vary={"n_jobs": [1, 2, 3]})
        @pytest.mark.parametrize("k", [0, 1])
        def test_it(k, n_jobs):
            note(f"{k}-{n_jobs}")
            return 1
        def test_other(): note("other")
        """
    )
    scratch.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            items[:] = [items[at] for at in (5, 2, 6, 0, 3, 1, 4)]
        """,
    )
    session = scratch.run()
    assert session.counts == {"passed": 7}
    order = ["1-1", "1-2", "1-3", "0-1", "0-2", "0-3", "other"]
    assert scratch.notes() == [f"{name} here" for name in order]


def test_serial_sessions_only_run_the_values(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
        def test_it(n_jobs):
            note(n_jobs)
            return n_jobs
        """
    )
    session = scratch.run("--parwork-serial", "-k", "n_jobs:2", report=True)
    assert session.counts == {"passed": 1, "deselected": 1}
    assert scratch.notes() == ["2 here"]


def test_stopping_at_the_first_failure_and_running_again(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(vary={"n_jobs": [1, 2, 3]})
        def test_it(n_jobs):
            note(n_jobs)
            return n_jobs
        """
    )
    session = scratch.run("-x")
    assert session.counts == {"passed": 1, "failed": 1}
    assert scratch.notes() == ["1 here", "2 here"]

    session = scratch.run("-p", "rerunfailures", "--reruns=1", "-k", "n_jobs:2")
    assert session.counts == {"failed": 1, "deselected": 2, "rerun": 1}
    assert scratch.notes() == ["1 here", "2 here", "2 here"]  # the verdict stands


def test_the_set_up_of_a_reference_may_fail_or_be_skipped(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.fixture
        def own(chunks):
            if chunks == 1: raise ValueError("no")
            return chunks

        @pytest.mark.parwork(vary={"chunks": [1, 2]})
        def test_fails(own): return own

        @pytest.mark.parwork(vary={"chunks": [pytest.param(1, marks=pytest.mark.skip), 2]})
        def test_skipped(chunks): return chunks
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"errors": 1, "passed": 2, "skipped": 1}
    whys = [case["why"] for run in session.report["runs"] for case in run["cases"]]
    assert whys == ["the reference failed", "the reference was skipped"]

    session = scratch.run("-k", "chunks:2", report=True)
    cases = [case for run in session.report["runs"] for case in run["cases"]]
    assert [case["verdict"] for case in cases] == ["DIFFERENT", "NOT_VERIFIED"]


def test_wide_fixtures_may_take_what_is_varied(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.fixture(scope="module")
        def model(n_jobs):
            note(f"model {n_jobs}")
            return {"n": 3}

        @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
        @pytest.mark.parametrize("k", [0, 1])
        def test_it(k, model): return model["n"] + k
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 4}


@pytest.mark.sweep
def test_xdist_keeps_the_values_of_a_case_together(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(vary={"n_jobs": [1, 2, 3]})
        @pytest.mark.parametrize("k", range(4))
        def test_it(k, n_jobs):
            note(f"{k}-{os.getpid()}")
            return n_jobs == 3
        """
    )
    session = scratch.run_apart("-p", "xdist", "-n2", report=True)
    assert session.counts == {"passed": 8, "failed": 4}
    notes = scratch.notes()
    assert len(notes) == 12  # each reference once
    assert len(set(notes)) == 4  # and each case in one process
    verdicts = session.verdicts("test_it.py::test_it", "n_jobs:3")
    assert verdicts == {f"{k}-n_jobs:3": "DIFFERENT" for k in range(4)}
