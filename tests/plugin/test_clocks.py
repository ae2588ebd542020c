"""A case, or a fixture, that freezes the time does not change what is measured."""

from __future__ import annotations

from .scratch import Scratch


def test_a_frozen_clock_changes_no_measure(scratch: Scratch) -> None:
    scratch.cases(
        """
import datetime, time
import freezegun

OWN = time.perf_counter
BACKENDS = ["processes:fork", "isolated:fork"]

def work():
    sum(range(200_000))
    return datetime.datetime.now().year

@pytest.fixture
def frozen():
    with freezegun.freeze_time("2000-01-01"):
        yield

@pytest.mark.parwork(backend=BACKENDS, workers=2)
@pytest.mark.parametrize("n", [0, 1])
def test_fixture(n, frozen):
    return work()

@pytest.mark.parwork(backend=BACKENDS, workers=2)
@pytest.mark.parametrize("n", [0, 1])
def test_body(n):
    with freezegun.freeze_time("1990-01-01"):
        return work()

@pytest.mark.parwork(backend=BACKENDS, workers=2)
@pytest.mark.parametrize("n", [0, 1])
def test_monkeypatch(n, monkeypatch):
    for name in ("time", "monotonic", "perf_counter", "sleep"):
        monkeypatch.setattr(time, name, lambda *_: 0)
    return work()
"""
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 12}, session.text
    for run in session.report["runs"]:
        assert run["verdict"] == "EQUAL"
        timing = run["timing"]
        for name in ("serial", "parallel", "startup", "speedup"):
            assert 0 < timing[name] < 1000, (run["id"], timing)
