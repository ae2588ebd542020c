"""`--parwork-selftest`: the gate is tried on the results of the suite itself."""

from __future__ import annotations

from .scratch import Scratch

TESTS = """
    from pytest_parwork import close

    @pytest.mark.parwork(backend="threads", workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_exact(n):
        return {"mean": n / 3, "n": n}

    @pytest.mark.parwork(backend="threads", workers=2, compare=close(rtol=1e-9))
    @pytest.mark.parametrize("n", range(3))
    def test_close(n):
        return n / 3 + 1

    @pytest.mark.parwork(backend="threads", workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_outcomes(n):
        assert n < 3

    @pytest.mark.parwork(backend="threads", workers=2, compare=lambda actual, expected: True)
    @pytest.mark.parametrize("n", range(3))
    def test_blind(n):
        return n

    @pytest.mark.parwork(vary={"jobs": ["one", "two"]})
    @pytest.mark.parametrize("n", range(2))
    def test_varied(n, jobs):
        return n + 0.5

    def test_calls(parwork):
        assert parwork.map(abs, [1.5, 2.5], backend="threads", workers=2) == [1.5, 2.5]
"""


def test_each_planted_fault_is_seen_or_the_report_says_what_lets_it_pass(scratch: Scratch) -> None:
    scratch.cases(TESTS)

    session = scratch.run("--parwork-selftest", report=True)

    assert session.counts == {"passed": 12 + 4 + 1 + 5}
    assert session.cases["test_it.py::test_exact[selftest]"] == "passed"
    found = {
        run["id"].partition("::")[2]: {one["name"]: one for one in run["selftest"]}
        for run in session.report["runs"]
    }
    for name in ("test_exact", "test_calls::map[0]"):
        for control in found[name].values():
            assert control["seen"] > 0
            assert (control["passes"], control["missed"]) == (0, 0)
    varied = found["test_varied"]
    assert varied["one ulp"]["seen"] == 2
    assert varied["a missing case"]["seen"] == 2
    assert found["test_close"]["one ulp"]["passes"] == 3
    assert found["test_close"]["a lost update"]["seen"] == 3
    assert found["test_outcomes"]["a stale value"]["passes"] == 3
    assert found["test_blind"]["a swap of two results"]["passes"] == 2
    text = " ".join(session.out.split())
    assert "this test compares outcomes only: a wrong value would pass; not seen:" in text
    assert "lets it pass; not seen: one ulp" in text
    assert "selftest: 5 of 5 kinds of planted faults seen" in text

    without = scratch.run(report=True)
    assert without.counts == {"passed": 17}
    assert all(run["selftest"] == [] for run in without.report["runs"])


def test_nothing_can_be_planted_where_nothing_is_equal(scratch: Scratch) -> None:
    scratch.cases("""
        @pytest.mark.parwork(backend="threads", workers=2, verify=0)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            return n
    """)

    session = scratch.run("--parwork-selftest", "-rs")

    assert session.counts == {"passed": 2, "skipped": 1}
    assert "no case is equal, so there is nothing to plant faults in" in session.out
