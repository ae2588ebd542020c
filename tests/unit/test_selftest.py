"""The negative control: what is planted where, and that the gate sees it."""

from __future__ import annotations

import math
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

from pytest_parwork import close, compare, ulp
from pytest_parwork.equivalence import exact
from pytest_parwork.model.comparison import Policy
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.report.selftest import FAULTS, Plant, control_notes, controls
from pytest_parwork.verify.legs import SERIAL, Judged, Terms, in_parallel, judge
from pytest_parwork.verify.planting import NOWHERE, with_lost_update, with_one_ulp
from pytest_parwork.verify.selftest import NegativeControl

Pair = namedtuple("Pair", "first second")


@dataclass
class Record:
    name: str
    value: float


FLOATS: list[object] = [
    1.0,
    0.0,
    [-math.inf, 1.0],
    1 + 2j,
    np.float32(3.0),
    [1, "a", 2.5],
    (1, {"a": [2.5]}),
    Pair(1, 2.5),
    {"mean": 1.5, "n": 3},
    np.arange(3.0),
    np.array([math.nan, 1.0]),
    np.zeros((2, 2), dtype="float32"),
    Record("a", 1.5),
]

OTHERS: list[object] = [1, 0, True, "text", "", b"ab", b"", {1, 2}, [1, 2], {"a": 1}, np.arange(3)]


@pytest.mark.parametrize("value", FLOATS, ids=repr)
def test_one_ulp_is_planted_in_a_copy(value: object) -> None:
    before = repr(value)
    planted = with_one_ulp(value)
    assert type(planted) is type(value)
    assert repr(value) == before
    assert not compare(planted, value)
    assert compare(planted, value, ulp(1))


@pytest.mark.parametrize("value", [*FLOATS, *OTHERS], ids=repr)
def test_an_update_is_lost_in_a_copy(value: object) -> None:
    before = repr(value)
    planted = with_lost_update(value)
    assert planted is not NOWHERE
    assert repr(value) == before
    assert not compare(planted, value)


def test_tables_are_searched_too() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"name": ["a", "b"], "value": [1.0, 2.0]}, index=[3, 4])
    for value in (table, table["value"]):
        planted = with_one_ulp(value)
        assert not compare(planted, value)
        assert compare(planted, value, ulp(1))


@pytest.mark.parametrize(
    "value",
    [None, object(), [], {}, np.array([], dtype=float)],
    ids=lambda value: type(value).__name__,
)
def test_where_there_is_no_place_nothing_is_planted(value: object) -> None:
    assert with_one_ulp(value) is NOWHERE
    assert with_lost_update(value) is NOWHERE


def terms(policy: Policy, *, must_return: bool = True) -> Terms:
    return Terms(
        id="test_it",
        index=0,
        run="a",
        actual=in_parallel("threads-2"),
        reference=SERIAL,
        policy=policy,
        timeout=None,
        must_return=must_return,
    )


def judged(*values: object, policy: Policy | None = None) -> list[Judged]:
    """Return the judgements of equal cases with these values, with all that was planted."""
    control, found = NegativeControl(), []
    for value in values:
        one = terms(policy or exact())
        outcome = Outcome(kind="value", value=value)
        judgement = judge(one, outcome, lambda outcome=outcome: (outcome, None))  # type: ignore[misc]  # bound early
        control.try_on(one, judgement)
        found.append(judgement)
    return found


def results(judgement: Judged) -> dict[str, str]:
    return {plant.name: plant.result for plant in judgement.entry.planted}


def test_by_exact_all_faults_are_seen() -> None:
    first, second = judged([1.0, 2.0], [3.0, 4.0])
    assert results(second) == dict.fromkeys(FAULTS, "seen")
    assert results(first)["a swap of two results"] == "none"
    notes = list(control_notes(controls((*first.entry.planted, *second.entry.planted))))
    assert [severity for severity, _ in notes] == ["info"]
    assert notes[0][1].startswith("selftest: 5 of 5 kinds of planted faults seen")


def test_what_a_policy_lets_pass_is_said_by_its_name() -> None:
    (_, second) = judged(1.0, 2.0, policy=close(rtol=1e-9))
    found = results(second)
    assert found.pop("one ulp") == "passes"
    assert set(found.values()) == {"seen"}
    (warning, _) = control_notes(controls(second.entry.planted))
    assert warning[0] == "warning"
    assert "close(rtol=1e-09" in warning[1]
    assert warning[1].endswith("lets it pass; not seen: one ulp")


def test_a_forgotten_return_lets_every_wrong_value_pass() -> None:
    (_, second) = judged(None, None)
    found = results(second)
    assert found.pop("a missing case") == "seen"
    assert set(found.values()) == {"passes"}
    texts = [text for _, text in control_notes(controls(second.entry.planted))]
    assert "this test compares outcomes only: a wrong value would pass" in texts[0]


def test_cases_with_the_same_result_cannot_be_swapped() -> None:
    (_, second) = judged(1, 1)
    assert results(second)["a stale value"] == "none"


def test_what_the_comparison_misses_is_an_error() -> None:
    plants = [Plant(name="one ulp", result="missed", why="exact() does not see it")]
    ((severity, text),) = [n for n in control_notes(controls(plants)) if n[0] == "error"]
    assert (severity, text) == (
        "error",
        "selftest: one ulp was NOT seen in 1 of 1 cases: exact() does not see it",
    )
