"""The order in which tasks are handed out, and the size of batches."""

from __future__ import annotations

import pytest

from pytest_parwork.model.work import WorkersAsked
from pytest_parwork.runner.schedule import (
    AHEAD,
    BATCH_SECONDS,
    LEAST_SECONDS,
    LEAST_TASKS,
    LONG,
    MOST_AHEAD,
    Schedule,
)


def sizes(schedule: Schedule) -> list[int]:
    found = []
    while batch := schedule.next():
        found.append(len(batch.tasks))
    return found


def test_the_last_task_comes_first_where_no_duration_is_known() -> None:
    schedule = Schedule(range(4), workers=2, chunksize=1)
    assert [schedule.next().tasks for _ in range(4)] == [(3,), (2,), (1,), (0,)]  # type: ignore[union-attr]  # there are four


def test_the_longest_known_task_comes_first_and_the_unknown_before_it() -> None:
    schedule = Schedule(range(4), workers=2, chunksize=4, durations={0: 1.0, 1: 3.0, 2: 2.0})
    batch = schedule.next()
    assert batch is not None
    assert batch.tasks == (3, 1, 2, 0)


@pytest.mark.parametrize("chunksize", [1, 3, 7, 100])
def test_a_given_chunksize_is_kept_to(chunksize: int) -> None:
    found = sizes(Schedule(range(20), workers=2, chunksize=chunksize))
    assert sum(found) == 20
    assert set(found[:-1]) <= {chunksize}
    assert found[-1] <= chunksize


def test_every_task_is_handed_out_once_under_numbers_of_their_own() -> None:
    schedule = Schedule(range(50), workers=3)
    schedule.observe(0.001)
    batches = []
    while batch := schedule.next():
        batches.append(batch)
    assert sorted(task for batch in batches for task in batch.tasks) == list(range(50))
    assert [batch.number for batch in batches] == list(range(1, len(batches) + 1))
    assert not schedule


def test_batches_are_of_one_task_until_something_is_known() -> None:
    schedule = Schedule(range(1000), workers=2)
    assert [len(schedule.next().tasks) for _ in range(4)] == [1] * 4  # type: ignore[union-attr]  # there are enough


def test_batches_of_short_tasks_grow_but_never_beyond_a_fair_share_of_the_rest() -> None:
    schedule = Schedule(range(1000), workers=2)
    schedule.observe(1e-6)
    found = sizes(schedule)
    assert found[0] == 250
    assert found == sorted(found, reverse=True)
    assert found[-1] == 1


def test_the_last_batches_of_short_tasks_are_worth_their_message() -> None:
    schedule = Schedule(range(100), workers=2)
    schedule.observe(LEAST_SECONDS / LEAST_TASKS)
    assert sizes(schedule) == [25, 19, 16, 16, 12, 6, 3, 2, 1]


def test_they_are_small_again_if_tasks_take_as_long_as_a_message() -> None:
    schedule = Schedule(range(12), workers=2)
    schedule.observe(LEAST_SECONDS)
    assert sizes(schedule) == [3, 3, 2, 1, 1, 1, 1]


def test_batches_of_long_tasks_stay_at_one() -> None:
    schedule = Schedule(range(10), workers=2)
    schedule.observe(2 * BATCH_SECONDS)
    assert sizes(schedule) == [1] * 10


def test_a_task_without_any_duration_does_not_divide_by_zero() -> None:
    schedule = Schedule(range(10), workers=1)
    schedule.observe(0.0)
    assert sum(sizes(schedule)) == 10


def test_a_worker_has_a_second_batch_ahead_unless_tasks_are_long() -> None:
    schedule = Schedule(range(10), workers=2)
    assert schedule.window == 2
    schedule.observe(10 * LONG)
    assert schedule.window == 1
    schedule.observe(LONG / 10, tasks=10)
    assert schedule.window == 2


def test_small_batches_that_somebody_wants_are_sent_far_ahead() -> None:
    schedule = Schedule(range(10_000), workers=2, chunksize=10)
    assert schedule.window == 2
    schedule.observe(AHEAD / 50, tasks=10)
    assert schedule.window == 5
    schedule.observe(AHEAD / 1e6, tasks=1_000_000)
    assert schedule.window == MOST_AHEAD


def test_the_last_of_small_batches_even_out() -> None:
    schedule = Schedule(range(120), workers=2, chunksize=10)
    schedule.observe(AHEAD / 1e6, tasks=10)
    assert schedule.window == 3
    while len(schedule) > 40:
        schedule.next()
    assert schedule.window == 2


def test_one_slow_task_does_not_make_the_next_batches_short() -> None:
    schedule = Schedule(range(10_000), workers=2)
    schedule.observe(BATCH_SECONDS / 20, tasks=20)
    schedule.observe(BATCH_SECONDS / 2)
    batch = schedule.next()
    assert batch is not None
    assert len(batch.tasks) >= 10


def test_batches_follow_tasks_that_become_longer_at_once() -> None:
    schedule = Schedule(range(10_000), workers=2)
    schedule.observe(BATCH_SECONDS / 20, tasks=20)
    schedule.observe(20 * BATCH_SECONDS)
    assert schedule.window == 1
    batch = schedule.next()
    assert batch is not None
    assert len(batch.tasks) == 1


def test_an_eager_library_gets_all_at_once_in_many_small_batches() -> None:
    schedule = Schedule(range(320), workers=2)
    batches = schedule.all()
    assert {len(batch.tasks) for batch in batches} == {10}
    assert not schedule
    assert schedule.next() is None


def test_an_eager_library_gets_the_chunksize_that_was_asked_for() -> None:
    batches = Schedule(range(10), workers=2, chunksize=4).all()
    assert [len(batch.tasks) for batch in batches] == [4, 4, 2]


def test_what_is_put_back_comes_next() -> None:
    schedule = Schedule(range(6), workers=2, chunksize=2)
    first = schedule.next()
    assert first is not None
    schedule.put_back(first.tasks)
    assert len(schedule) == 6
    again = schedule.next()
    assert again is not None
    assert sorted(again.tasks) == sorted(first.tasks)
    assert again.number != first.number


def test_an_order_is_kept_to_even_by_what_is_put_back() -> None:
    schedule = Schedule([0, 1, 2, 4], workers=1, chunksize=2, order=[4, 2, 3, 0, 1])
    first = schedule.next()
    assert first is not None
    assert first.tasks == (4, 2)  # 3 cannot be sent
    schedule.put_back([2, 4])
    assert [batch.tasks for batch in schedule.all()] == [(4, 2), (0, 1)]


@pytest.mark.parametrize("chunksize", ["auto", 1])
def test_batches_are_kept_to_whatever_is_known_of_their_tasks(chunksize: WorkersAsked) -> None:
    batches = [[3, 0], [1], [4, 2, 5]]
    schedule = Schedule([0, 1, 2, 3, 5], workers=2, chunksize=chunksize, batches=batches)
    first = schedule.next()
    assert first is not None
    assert first.tasks == (3, 0)
    schedule.observe(10.0)
    schedule.put_back([0])
    assert [batch.tasks for batch in schedule.all()] == [(0,), (1,), (2, 5)]  # 4 cannot be sent


def test_no_batch_holds_more_tasks_of_one_call_than_it_may_have() -> None:
    schedule = Schedule(range(40), workers=2, most=3)
    schedule.observe(1e-6)
    batch = schedule.next()
    assert batch is not None
    assert len(batch.tasks) == 3
    assert {len(batch.tasks) for batch in Schedule(range(64), workers=2, most=1).all()} == {1}
    asked = Schedule(range(40), workers=2, chunksize=10, most=3).next()
    assert asked is not None
    assert len(asked.tasks) == 10  # the user asked for it
