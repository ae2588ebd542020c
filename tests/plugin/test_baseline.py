"""One worker in a list of several numbers of workers: the baseline of their speed."""

from __future__ import annotations

from .scratch import Scratch

SKIPPED = "one worker cannot overlap with itself: it is the baseline for more"


def test_one_worker_among_more_is_a_baseline_and_alone_it_is_not_exercised(
    scratch: Scratch,
) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=[1, 2])
        @pytest.mark.parametrize("n", range(4))
        def test_scaled(n):
            meet()
            return n

        @pytest.mark.parwork(backend="threads", workers=1)
        @pytest.mark.parametrize("n", range(4))
        def test_alone(n):
            return n

        @pytest.mark.parwork(backend="threads", workers=[1])
        @pytest.mark.parametrize("n", range(4))
        def test_list_of_one(n):
            return n

        @pytest.mark.parwork(backend="threads", workers=[1, 2])
        def test_calls(parwork):
            parwork.map(abs, [-1, 2, 3, -4])
    """.replace("meet()", "__import__('time').sleep(0.02)")
    )

    session = scratch.run("--parwork-strict", "-rs", report=True)

    found = {(run["id"], run["configuration"]["id"]): run for run in session.report["runs"]}
    facts = {key: (run["exercised"], run["baseline"], run["verdict"]) for key, run in found.items()}
    test = "test_it.py::test_"
    assert facts[f"{test}scaled", "threads-1"] == (None, True, "EQUAL")
    assert facts[f"{test}scaled", "threads-2"] == (True, False, "EQUAL")
    assert facts[f"{test}alone", "threads-1"] == (False, False, "NOT_EXERCISED")
    assert facts[f"{test}list_of_one", "threads-1"] == (False, False, "NOT_EXERCISED")
    assert facts[f"{test}calls[1]::map[0]", "threads-1"] == (None, True, "EQUAL")
    assert session.cases[f"{test}scaled[1-exercised]"] == "skipped"
    assert session.cases[f"{test}scaled[2-exercised]"] == "passed"
    assert session.cases[f"{test}alone[exercised]"] == "failed"
    assert session.cases[f"{test}list_of_one[1-exercised]"] == "failed"
    assert SKIPPED in " ".join(session.out.split())
    assert "there was only one worker; ask for 2 or more" in " ".join(session.out.split())


def test_inside_one_worker_is_a_baseline_among_more_only(scratch: Scratch) -> None:
    scratch.cases("""
        import joblib

        def double(n):
            __import__("time").sleep(0.01)
            return 2 * n

        def run():
            return joblib.Parallel()(joblib.delayed(double)(n) for n in range(4))

        @pytest.mark.parwork(inside="joblib:threading", workers=[1, 2])
        def test_scaled():
            return run()

        @pytest.mark.parwork(inside="joblib:threading", workers=1)
        def test_alone():
            return run()

        @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
        def test_varied(n_jobs):
            return joblib.Parallel(n_jobs, "threading")(joblib.delayed(double)(n) for n in range(4))
    """)

    session = scratch.run("--parwork-strict", "-rs", report=True)

    test = "test_it.py::test_"
    assert session.cases[f"{test}scaled[1-exercised]"] == "skipped"
    assert session.cases[f"{test}scaled[2-exercised]"] == "passed"
    assert session.cases[f"{test}alone[exercised]"] == "failed"
    assert session.cases[f"{test}varied[n_jobs:2-exercised]"] == "passed"
    assert "joblib:threading-1 has only one worker; ask for 2 or more" in " ".join(
        session.out.split()
    )
