"""`freezer` (pytest-freezer).

packages: pytest-freezer
note: it patches the whole process
"""

import datetime

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, freezer):
    freezer.move_to(f"2020-01-0{n + 1}")
    return datetime.datetime.now().isoformat()


@N
@pytest.mark.freeze_time("2020-01-01")
def test_marked(n):
    return datetime.datetime.now().isoformat()
