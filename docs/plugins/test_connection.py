"""A connection in a fixture of wide scope (`sqlite3`).

note: as with fixtures that connect to a server, which were not tried
"""

import sqlite3

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.fixture(scope="module")
def connection():
    found = sqlite3.connect(":memory:", check_same_thread=False)
    found.execute("create table numbers (n integer)")
    yield found
    found.close()


@pytest.fixture
def cursor(connection):
    yield connection.cursor()
    connection.rollback()


@N
def test_it(n, connection):
    return connection.execute("select count(*) from numbers").fetchone()


@N
def test_cursor(n, cursor):
    return cursor.execute("select ?", [n]).fetchone()


@N
def test_fails(n, connection):
    assert connection.execute("select ?", [n]).fetchone() == ()
