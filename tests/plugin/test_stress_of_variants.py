"""`--parwork-stress` for code that is parallel itself, for calls, and for forks of pytest."""

from __future__ import annotations

from typing import Any

import pytest

from .scratch import Scratch, Session

VARIANTS = """
    import random

    def square(n):
        return n * n

    TABLE = []

    def tabled(n_jobs):
        # Right as long as the reference runs first.
        if n_jobs == 1:
            TABLE.append(n_jobs)
        return len(TABLE) > 0

    @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
    @pytest.mark.parametrize("size", [3, 4])
    def test_clean(n_jobs, size, tmp_path):
        import joblib  # not above: every new process would import it, for half a second

        (tmp_path / "mine").write_text("1")
        rng = random.Random()
        rng.seed(7)
        values = [rng.random() for _ in range(size)]
        return joblib.Parallel(n_jobs, "threading")(joblib.delayed(square)(v) for v in values)

    @pytest.mark.parwork(inside="joblib:threading", workers=2)
    def test_inside():
        import joblib

        return joblib.Parallel()(joblib.delayed(square)(n) for n in range(4))

    @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
    def test_order(n_jobs):
        return tabled(n_jobs)

    @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
    def test_seed(n_jobs):
        rng = random.Random()
        rng.seed(1)
        value = rng.randrange(10**6)
        return value if n_jobs == 1 or value == 140891 else value + 1

    STATE = {}

    def setup_module():
        STATE["scale"] = 3

    @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
    def test_setup(n_jobs):
        return STATE["scale"]

    @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
    def test_more(n_jobs):
        return n_jobs if n_jobs > 2 else 0
"""


def stress_of(session: Session, test: str) -> Any:
    (run,) = (one for one in session.report["runs"] if one["id"] == f"test_it.py::{test}")
    return run["stress"]


@pytest.mark.sweep
def test_variants_are_perturbed_next_to_their_references(scratch: Scratch) -> None:
    scratch.cases(VARIANTS)

    session = scratch.run("--parwork-stress=quick", "-k", "clean or inside", report=True)

    assert session.cases["test_it.py::test_clean[n_jobs:2-stress]"] == "passed"
    assert session.cases["test_it.py::test_inside[stress]"] == "passed"
    clean = stress_of(session, "test_clean")["runs"]
    assert [(one["verdict"], one["equal"]) for one in clean] == [("EQUAL", 2)] * 3
    assert len(stress_of(session, "test_inside")["runs"]) == 2  # it has no seed


def test_the_order_the_seed_and_the_workers_of_variants_are_perturbed(scratch: Scratch) -> None:
    scratch.cases(VARIANTS)

    chosen = "order or seed or more or setup"
    session = scratch.run("--parwork-stress=quick", "-k", chosen, report=True)

    rows = {
        test: [
            one["row"]
            for one in stress_of(session, f"test_{test}")["runs"]
            if one["verdict"] == "DIFFERENT"
        ]
        for test in ("order", "seed", "more")
    }
    for test in rows:
        assert session.cases[f"test_it.py::test_{test}[n_jobs:2]"] == "passed"
        assert session.cases[f"test_it.py::test_{test}[n_jobs:2-stress]"] == "failed"
    assert "order=reversed" in rows["order"][0]
    assert ["reseed=1" in row for row in rows["seed"]] == [True]
    assert ["jobs=3" in row for row in rows["more"]] == [True]
    item = "test_it.py::test_more[n_jobs:2-stress]"
    option = f"--parwork-stress={rows['more'][0]}"
    assert f'again    pytest "{item}" {option}' in session.out

    state = stress_of(session, "test_setup")["runs"]
    assert {(one["verdict"], one["equal"]) for one in state} == {("NOT_SENT", 0)}
    assert state[0]["note"] == (
        "test_setup[n_jobs:2] was not compared: in a new process, its reference ends with "
        "KeyError: 'scale'; it needs what pytest's process has"
    )

    repeated = scratch.run(item, option, report=True)
    assert repeated.cases[item] == "failed"


@pytest.mark.sweep
def test_all_rows_of_variants_are_equal_where_nothing_is_wrong(scratch: Scratch) -> None:
    scratch.cases(VARIANTS)
    session = scratch.run("--parwork-stress=full", "-k", "clean or inside", report=True)
    assert set(session.cases.values()) == {"passed"}
    assert len(stress_of(session, "test_clean")["runs"]) > 8


CALLS = """
    def square(n):
        return n * n

    def hashed(n):
        return n, list({{"a", "b", "c", "d", "e"}})

    def test_clean(parwork):
        run = parwork.map(square, [3, 4, 5], backend="{backend}", workers=2)
        assert list(run) == [9, 16, 25]
        run = parwork.starmap(divmod, [(7, 2), (9, 4)], backend="{backend}", workers=2)
        assert run[1] == (2, 1)

    @pytest.mark.parwork(backend="processes:fork", workers=[1, 2])
    def test_hash(parwork):
        parwork.map(hashed, [1, 2, 3, 4])

    def test_no_call(parwork):
        pass

    def test_wrong(parwork):
        parwork.map(square, [1], backend="{backend}", verify=0)
"""


def test_the_calls_of_a_test_are_perturbed_after_it(scratch: Scratch) -> None:
    scratch.cases(CALLS.format(backend="threads"))

    session = scratch.run("--parwork-stress=quick", "-rs", report=True)

    outcome = {id.removeprefix("test_it.py::"): end for id, end in session.cases.items()}
    assert outcome["test_clean"] == outcome["test_clean[stress]"] == "passed"
    assert outcome["test_hash[1]"] == outcome["test_hash[2]"] == "passed"
    assert outcome["test_hash[1-stress]"] == outcome["test_hash[2-stress]"] == "failed"
    assert outcome["test_no_call[stress]"] == "skipped"
    assert outcome["test_wrong[stress]"] == "skipped"
    for call, cases in (("map[0]", 3), ("starmap[0]", 2)):
        found = stress_of(session, f"test_clean::{call}")["runs"]
        assert {(one["verdict"], one["equal"]) for one in found} <= {("EQUAL", cases)}
    wrong = stress_of(session, "test_hash[1]::map[0]")["runs"]
    assert all("hash=" in one["row"] for one in wrong if one["different"])
    assert "it cannot be perturbed: no call was run in parallel" in " ".join(session.out.split())


@pytest.mark.sweep
def test_calls_in_processes_are_perturbed(scratch: Scratch) -> None:
    scratch.cases(CALLS.format(backend="joblib"))
    session = scratch.run("--parwork-stress=quick", "-k", "clean", report=True)
    assert set(session.cases.values()) == {"passed"}


def test_cases_in_forks_of_pytest_are_perturbed_before_their_serial_runs(scratch: Scratch) -> None:
    scratch.cases("""
        import os, time

        RAN = []

        @pytest.mark.parwork(backend="isolated:fork", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_once(n, tmp_path, monkeypatch):
            monkeypatch.setenv("N", str(n))
            (tmp_path / "mine").write_text("1")
            assert n not in RAN, "a case that can run only once in a process"
            RAN.append(n)
            return n, os.environ["N"]

        @pytest.mark.parwork(backend="isolated:fork", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_slots(n):
            for slot in range(2):  # for as many as there are workers
                path = f"{__file__}.{slot}"
                try:
                    os.close(os.open(path, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    continue
                time.sleep(0.2)
                os.remove(path)
                return n
            return "none is free"
    """)

    session = scratch.run("--parwork-stress=quick", "-rs", report=True)

    once, slots = (stress_of(session, f"test_{test}")["runs"] for test in ("once", "slots"))
    assert [(one["verdict"], one["equal"]) for one in once] == [("EQUAL", 4)] * 3
    assert session.cases["test_it.py::test_once[stress]"] == "passed"
    assert [one["verdict"] for one in slots] == ["DIFFERENT", "EQUAL", "EQUAL"]
    assert "workers=5" in slots[0]["row"]
    assert session.cases["test_it.py::test_slots[stress]"] == "failed"


@pytest.mark.sweep
def test_under_xdist_variants_and_calls_are_perturbed_where_they_ran(scratch: Scratch) -> None:
    scratch.cases("""
        @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
        @pytest.mark.parametrize("k", range(6))
        def test_varied(n_jobs, k):
            return 1

        def test_calls(parwork):
            parwork.map(abs, [1, -2], backend="threads", workers=2)

        def test_more(parwork):
            parwork.map(abs, [1, -2], backend="threads", workers=2)
    """)
    for chosen in ("test", "calls or more"):  # without a mark, too
        session = scratch.run_apart(
            "-p", "xdist", "-n2", "--parwork-stress=quick", "-k", chosen, report=True
        )
        assert set(session.counts) == {"passed"}
        for call in ("test_calls::map[0]", "test_more::map[0]"):
            assert stress_of(session, call)["runs"]
    session = scratch.run_apart("-p", "xdist", "-n2", "--parwork-stress=quick", report=True)
    assert {one["equal"] for one in stress_of(session, "test_varied")["runs"]} == {6}


def test_a_row_of_something_else_is_not_run_and_says_why(scratch: Scratch) -> None:
    scratch.cases("""
        @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
        def test_varied(n_jobs):
            return 1

        @pytest.mark.parwork(backend="isolated:fork", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_forked(n):
            return n
    """)

    session = scratch.run("--parwork-stress=backend=threads,workers=3", report=True)

    assert session.counts == {"passed": 6}
    (varied,) = stress_of(session, "test_varied")["runs"]
    assert varied["note"] == "variants run again on processes:spawn only, not on threads"
    (forked,) = stress_of(session, "test_forked")["runs"]
    assert forked["note"] == "cases of isolated:fork cannot be sent to threads"
