"""The clocks by which everything is measured, where a test has frozen, set or replaced the time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import connection

import freezegun
import pytest

from pytest_parwork.machine import clock, contexts

#: All that a test may have replaced in `time`.
FUNCTIONS = ("time", "time_ns", "monotonic", "perf_counter", "sleep", "thread_time", "process_time")


@contextmanager
def replaced() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in FUNCTIONS:
            patch.setattr(time, name, lambda *_: 0)
        yield


FROZEN = [
    pytest.param(lambda: freezegun.freeze_time("2000-01-01"), id="freezegun"),
    pytest.param(replaced, id="monkeypatch"),
]


@pytest.mark.parametrize("frozen", FROZEN)
def test_every_clock_goes_on_where_the_time_is_frozen(
    frozen: Callable[[], AbstractContextManager[object]],
) -> None:
    before = clock.now(), clock.steady(), clock.wall()
    with frozen():
        clock.sleep(0.001)
        within = clock.now(), clock.steady(), clock.wall()
        assert clock.today().year > 2000
    for earlier, later in zip(before, within, strict=True):
        assert earlier < later < earlier + 3600


@pytest.mark.parametrize(
    "frozen",
    [
        "import freezegun; freezegun.freeze_time('2000-01-01').start()",
        f"import time\nfor name in {FUNCTIONS!r}: setattr(time, name, lambda *_: 0)",
    ],
)
def test_the_clocks_are_right_even_where_they_are_imported_under_a_frozen_time(
    frozen: str,
) -> None:
    code = f"""
{frozen}
from pytest_parwork.machine import clock
first = clock.now()
clock.sleep(0.001)
print(clock.now() > first, clock.wall())
"""
    given = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    goes_on, wall = given.stdout.split()
    assert goes_on == "True"
    assert abs(float(wall) - time.time()) < 3600


def test_a_wait_for_a_process_ends_where_the_time_is_replaced() -> None:
    assert contexts  # which gives it a clock of its own
    here, there = connection.Pipe()
    with here, there, replaced():
        assert connection.wait([here], 0.01) == []


@pytest.mark.parametrize("frozen", FROZEN)
@pytest.mark.parametrize("read", [clock.cpu_of_process, clock.cpu_of_thread])
def test_cpu_seconds_go_on_where_the_time_is_frozen(
    frozen: Callable[[], AbstractContextManager[object]], read: Callable[[], float]
) -> None:
    before = read()
    with frozen():
        for _ in range(1_000_000):
            if read() > before:
                return
    pytest.fail("they stand still")


def test_the_cpu_seconds_of_a_process_have_those_of_the_children_that_it_has_waited_for() -> None:
    work = "import time\nwhile time.process_time() < 0.2: pass"
    before = clock.cpu_of_process(), clock.cpu_of_thread()
    subprocess.run([sys.executable, "-c", work], timeout=60, check=True)
    assert clock.cpu_of_process() - before[0] >= 0.2
    assert clock.cpu_of_thread() - before[1] < 0.2
