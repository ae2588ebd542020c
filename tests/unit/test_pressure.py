"""The waits for CPUs that Linux counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_parwork.machine import pressure
from pytest_parwork.machine.pressure import Pressure

TEXT = """some avg10=47.40 avg60=41.81 avg300=32.25 total=2500000
full avg10=0.00 avg60=0.00 avg300=0.00 total=0
"""


def test_the_pressure_is_read_where_the_system_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure, "PRESSURE", tmp_path / "cpu")
    assert Pressure.here() is None
    (tmp_path / "cpu").write_text("unknown", encoding="ascii")
    assert Pressure.here() is None
    (tmp_path / "cpu").write_text(TEXT, encoding="ascii")
    found = Pressure.here()
    assert found is not None
    assert found.waited == 2.5


@pytest.mark.parametrize(
    ("seconds", "waited", "share"), [(2.0, 1.0, 0.5), (1.0, 1.1, 1.0), (0.001, 0.001, None)]
)
def test_a_share_is_that_of_a_time_that_is_long_enough(
    seconds: float, waited: float, share: float | None
) -> None:
    earlier = Pressure(at=1.0, waited=2.0)
    later = Pressure(at=1.0 + seconds, waited=2.0 + waited)
    assert earlier.share_until(later) == share
