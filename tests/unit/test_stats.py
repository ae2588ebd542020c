"""Overlap of intervals and the bound on the time."""

from __future__ import annotations

import pytest

from pytest_parwork.model.stats import bound, busy_times, peak_overlap


def test_without_intervals_there_is_no_overlap() -> None:
    assert peak_overlap([]) == 0
    assert busy_times([]) == (0, 0)


def test_one_interval_overlaps_with_no_other() -> None:
    assert peak_overlap([(3.0, 5.0)]) == 1
    assert busy_times([(3.0, 5.0)]) == (2, 0)


def test_the_peak_is_the_most_at_one_moment_and_not_the_sum() -> None:
    assert peak_overlap([(0, 4), (1, 2), (3, 5), (3.5, 6)]) == 3


def test_intervals_are_half_open() -> None:
    assert peak_overlap([(0, 1), (1, 2), (2, 3)]) == 1


def test_an_interval_without_length_overlaps_with_nothing() -> None:
    assert peak_overlap([(1, 1)]) == 0
    assert peak_overlap([(0, 2), (1, 1)]) == 1


def test_the_order_of_the_intervals_does_not_matter() -> None:
    intervals = [(2.0, 3.0), (0.0, 2.5), (1.0, 4.0)]
    assert peak_overlap(intervals) == peak_overlap(sorted(intervals)) == 3


def test_the_same_interval_twice_counts_as_two() -> None:
    assert peak_overlap([(0, 1), (0, 1)]) == 2
    assert busy_times([(0, 1), (0, 1)]) == (1, 1)


def test_busy_time_is_the_length_of_the_union_without_the_gaps() -> None:
    assert busy_times([(0, 2), (1, 3), (10, 11)]) == (4, 1)


def test_intervals_may_be_an_iterator() -> None:
    assert peak_overlap(iter([(0, 2), (1, 3)])) == 2


def test_even_tasks_are_bound_by_their_total() -> None:
    assert bound([1.0] * 10, 2) == 5


def test_one_long_task_is_a_bound_by_itself() -> None:
    assert bound([7.0, 1.0, 1.0], 4) == 7


def test_one_worker_needs_the_total() -> None:
    assert bound([1.0, 2.0, 3.0], 1) == 6


def test_no_task_needs_no_time() -> None:
    assert bound([], 3) == 0


def test_zero_workers_is_an_error_that_names_the_number() -> None:
    with pytest.raises(ValueError, match="workers is 0: at least 1"):
        bound([1.0], 0)
