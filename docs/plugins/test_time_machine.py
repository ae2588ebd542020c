"""`time_machine` (time-machine).

packages: time-machine
note: it patches the whole process
"""

import datetime

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, time_machine):
    time_machine.move_to(f"2020-01-0{n + 1}", tick=False)
    return datetime.datetime.now().isoformat()


@N
@pytest.mark.time_machine("2020-01-01", tick=False)
def test_marked(n):
    return datetime.datetime.now().isoformat()
