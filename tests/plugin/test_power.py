"""What a share of the cases proves, and which cases are always in it."""

from __future__ import annotations

import pytest

from pytest_parwork.model.stats import most_unseen

from .scratch import Scratch, slow


@pytest.mark.parametrize("backend", ["threads", "processes:fork", slow("joblib"), slow("dask")])
def test_the_first_and_last_case_of_each_worker_are_always_verified(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(f"""
        @pytest.mark.parwork(backend="{backend}", workers=2, verify=0.1)
        @pytest.mark.parametrize("n", range(40))
        def test_it(n):
            time.sleep(0.002)
            return n

        @pytest.mark.parwork(backend="{backend}", workers=2, verify=0)
        @pytest.mark.parametrize("n", range(4))
        def test_none(n):
            return n

        def test_calls(parwork):
            parwork.map(abs, range(40), backend="{backend}", workers=2, verify=0.1)
    """)

    session = scratch.run(report=True)

    assert session.counts == {"passed": 45}
    for run in session.report["runs"]:
        if run["id"].endswith("test_none"):
            assert {case["verdict"] for case in run["cases"]} == {"NOT_VERIFIED"}
            assert run["power"] is None
            continue
        workers: dict[int, list[dict[str, object]]] = {}
        for case in sorted(run["cases"], key=lambda case: case["interval"][1]):
            workers.setdefault(case["worker"], []).append(case)
        ends = {str(case["id"]) for row in workers.values() for case in (row[0], row[-1])}
        verified = {case["id"] for case in run["cases"] if case["verdict"] == "EQUAL"}
        assert ends <= verified
        assert 4 <= len(verified) <= 8
        power = run["power"]
        assert (power["verified"], power["cases"]) == (len(verified), 40)
        left = 40 - len(ends)
        assert power["unseen"] == most_unseen(left, len(verified - ends), confidence=0.95)
        assert f"{len(verified)} of 40 cases verified, all equal" in session.out
