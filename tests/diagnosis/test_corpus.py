"""A sample of the planted defects, one of each kind; `tox -e causes` runs all of them."""

from __future__ import annotations

import pytest

from .clean import FLUKES, FUNCTIONS
from .corpus import DEFECTS
from .fresh import GUILTY_LOOKING
from .in_items import CLEAN_ITEMS, DISPATCHED, NEIGHBOURS, NO_ITEM, REDUCED
from .judging import Judged, Seconds, as_table, judged, session
from .planted import Planted

#: Defects of which the daily tests have one of each kind; plugin/test_diagnosis.py has the race of
#: threads that make a table.
SAMPLE = ("forked_pid", "counter", "unstable_coin", "once")

#: Seconds of each diagnosis, on a busy machine.
PATIENCE = 25.0


def found_in(corpus: list[Planted]) -> list[Judged]:
    found = judged(corpus, *session(corpus, least=PATIENCE))
    print(as_table(found))
    return found


def test_a_sample_of_planted_defects_has_the_causes_that_were_planted() -> None:
    found = found_in([one for one in DEFECTS if one.name in SAMPLE])
    assert len(found) == len(SAMPLE)
    assert [one.planted.name for one in found if one.is_wrong] == []
    missed = [one.planted.name for one in found if one.is_missed]
    assert len(missed) <= 1  # a race may be won


@pytest.mark.sweep
@pytest.mark.parametrize("start", range(0, len(FLUKES), 6))
def test_a_clean_function_that_failed_once_is_blamed_for_nothing(start: int) -> None:
    found = found_in(list(FLUKES[start : start + 6]))
    assert [one.planted.name for one in found if one.is_wrong] == []


def test_the_corpus_is_large_enough_and_each_of_its_modules_compiles() -> None:
    assert len(DEFECTS) >= 50
    assert len(FUNCTIONS) >= 15
    corpus = (*DEFECTS, *FLUKES, *GUILTY_LOOKING)
    assert len({one.name for one in corpus}) == len(corpus)
    for one in corpus:
        compile(one.text(), one.name, "exec")


def test_a_confirmed_cause_that_was_not_planted_is_wrong_and_a_suspected_one_is_missed() -> None:
    (pid,) = (one for one in DEFECTS if one.name == "pid")
    for name, sure, is_wrong, is_missed in (
        ("PROCESS_IDENTITY", True, False, False),
        ("HASH_SEED", True, True, True),
        ("HASH_SEED", False, False, True),
    ):
        causes = ((name, "os.getpid", sure, ""),)
        one = Judged(planted=pid, causes=causes, seconds=Seconds())
        assert (one.is_wrong, one.is_missed) == (is_wrong, is_missed)


@pytest.mark.sweep
@pytest.mark.parametrize("start", range(0, len(GUILTY_LOOKING), 7))
def test_a_clean_function_that_looks_guilty_has_no_cause(start: int) -> None:
    found = found_in(list(GUILTY_LOOKING[start : start + 7]))
    assert [one.planted.name for one in found if one.is_wrong] == []


@pytest.mark.sweep
@pytest.mark.parametrize(
    "corpus",
    [NEIGHBOURS, DISPATCHED, REDUCED[:5], REDUCED[5:], NO_ITEM],
    ids=lambda corpus: corpus[0].name,
)
def test_items_are_blamed_for_what_they_cause_and_for_nothing_else(
    corpus: tuple[Planted, ...],
) -> None:
    found = found_in(list(corpus))
    assert [one.planted.name for one in found if one.is_wrong or one.is_missed] == []
    assert all(one.causes[0][2] for one in found if one.planted in (*NEIGHBOURS, *DISPATCHED))


def test_clean_code_that_cuts_scales_and_reduces_has_no_cause() -> None:
    assert [one.planted.name for one in found_in(list(CLEAN_ITEMS)) if one.is_wrong] == []
