"""The table of pairs: verdict and class in both directions, with itself, and after pickling."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from relation import OUTCOMES, VALUES, Row
from relation.row import send_by_value
from support.carrier import outcomes
from support.rows import check_each

from pytest_parwork.backends import bundled
from pytest_parwork.equivalence import compare, compare_outcomes, exact
from pytest_parwork.model.comparison import Comparison
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.model.work import Configuration, Task, Workload
from pytest_parwork.runner import RunRequest, execute
from pytest_parwork.transport.pickling import dumps

PICKLABLE = {name: row for name, row in VALUES.items() if row.is_picklable}


def check(comparison: Comparison, classes: frozenset[str], note: str) -> None:
    assert set(comparison.classes) == classes, str(comparison)
    assert bool(comparison) == (not classes)
    if not classes:
        assert {found.kind for found in comparison.notes} == ({note} if note else set())


def test_the_table_is_long_enough() -> None:
    assert len(VALUES) + len(OUTCOMES) >= 250


def test_a_pair_is_as_the_table_says_both_ways() -> None:
    def is_as_it_says(row: Row) -> None:
        check(compare(row.left, row.right), row.classes, row.note)
        check(compare(row.right, row.left), row.mirrored, row.note)
        if row.reflexive:
            for side in (row.left, row.right):
                check(compare(side, side), row.classes & {"uncomparable"}, "")

    check_each(VALUES, is_as_it_says)


def loads(value: object) -> object:
    """Send a value as parwork does, large buffers outside of the pickle."""
    buffers: list[pickle.PickleBuffer] = []
    data = dumps(value, buffers, is_result=True)
    return pickle.loads(data, buffers=[bytearray(buffer.raw()) for buffer in buffers])


def by_pickle(value: object) -> object:
    """Send a value in a pickle, or as parwork does if pickle cannot."""
    try:
        return pickle.loads(pickle.dumps(value, 5))
    except Exception:
        return loads(value)


@pytest.mark.parametrize("copy_of", [by_pickle, send_by_value, loads])
def test_pickling_changes_nothing(copy_of: Callable[[object], object]) -> None:
    def is_unchanged(row: Row) -> None:
        left, right = copy_of(row.left), copy_of(row.right)
        if row.reflexive:
            for copy, side in ((left, row.left), (right, row.right)):
                check(compare(copy, side), row.classes & {"uncomparable"}, "")
        assert set(compare(left, row.right).classes) == row.classes
        assert set(compare(row.left, right).classes) == row.classes

    check_each(PICKLABLE, is_unchanged)


def test_an_unpicklable_value_is_rejected_or_loads_as_another_one() -> None:
    def is_rejected_or_another_one(row: Row) -> None:
        try:
            arrived = loads(row.left)
        except Exception:
            return
        assert not compare(arrived, row.left)

    others = {name: row for name, row in VALUES.items() if not row.is_picklable}
    check_each(others, is_rejected_or_another_one)


def give(name: str) -> Any:
    """Return the left side of a pair, as created in this process."""
    return VALUES[name].left


def test_values_of_a_process_with_another_hash_seed_are_as_the_table_says(
    monkeypatch: pytest.MonkeyPatch, keeps_helpers: None
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2")
    tasks = [Task(id=name, function=give, args=(name,)) for name in PICKLABLE]
    tasks.append(Task(id="hash", function=hash, args=("text",)))
    run = execute(
        RunRequest(
            workload=Workload(name="hash seed", tasks=tuple(tasks)),
            configuration=Configuration(backend="processes:spawn", workers=1),
        ),
        bundled()["processes:spawn"],
    )
    try:
        *gave, other_hash = outcomes(run)
        found = judge(dict(zip(PICKLABLE, gave, strict=True)))
    finally:
        outcomes(run).close()
    assert other_hash.value != hash("text")
    assert found == {name: (row.classes, row.note) for name, row in PICKLABLE.items()}


def judge(gave: Mapping[str, Outcome]) -> dict[str, tuple[frozenset[str], str]]:
    """Return classes and note of each value that a worker returned."""
    found = {}
    for name, outcome in gave.items():
        comparison = compare_outcomes(
            outcome, Outcome(kind="value", value=VALUES[name].right), exact()
        )
        note = comparison.notes[0].kind if comparison and comparison.notes else ""
        found[name] = (frozenset(comparison.classes), note)
    return found


def test_outcomes_are_as_the_table_says() -> None:
    def is_as_it_says(row: Row) -> None:
        assert isinstance(row.left, Outcome)
        assert isinstance(row.right, Outcome)
        check(compare_outcomes(row.left, row.right, exact()), row.classes, row.note)
        check(compare_outcomes(row.right, row.left, exact()), row.mirrored, row.note)
        for side in (row.left, row.right):
            assert compare_outcomes(side, side, exact())

    check_each(OUTCOMES, is_as_it_says)
