"""The outcomes of the reference that are kept for other configurations of a case."""

from __future__ import annotations

from pytest_parwork.model.outcome import Outcome
from pytest_parwork.verify.reference import References

OUTCOME = Outcome(kind="value", value=1)


def test_it_is_used_again_for_the_very_same_shared_values() -> None:
    references, shared = References(), [1]
    references.keep("case", OUTCOME, None, (shared,))
    assert references.get("case", (shared,)) == (OUTCOME, None)


def test_it_is_made_anew_for_shared_values_that_are_only_equal() -> None:
    references = References()
    references.keep("case", OUTCOME, None, ([1],))
    assert references.get("case", ([1],)) is None


def test_it_is_made_anew_for_more_shared_values() -> None:
    references, shared = References(), [1]
    references.keep("case", OUTCOME, None, (shared,))
    assert references.get("case", (shared, shared)) is None


def test_another_case_has_none_and_a_dropped_one_neither() -> None:
    references = References()
    references.keep("case", OUTCOME, None, ())
    assert references.get("other", ()) is None
    references.drop("case")
    assert references.get("case", ()) is None
