"""A fixture whose value cannot be sent: pytest itself runs each case, in a fork of its process."""

import sqlite3
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def stations() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE reading (station INTEGER, celsius REAL)")
    readings = [(n % 4, 10 + n % 7 + 0.1 * n) for n in range(400)]
    connection.executemany("INSERT INTO reading VALUES (?, ?)", readings)
    yield connection
    connection.close()


@pytest.mark.parwork(backend="isolated:fork", workers=2)
@pytest.mark.parametrize("station", range(4))
def test_mean(station: int, stations: sqlite3.Connection) -> float:
    (mean,) = stations.execute(
        "SELECT AVG(celsius) FROM reading WHERE station = ?", (station,)
    ).fetchone()
    return float(mean)
