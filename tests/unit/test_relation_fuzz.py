"""The relation with hostile values: nothing that they do ends it, or falsifies its result."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from relation.drawing import draw_pair

from pytest_parwork.equivalence import close, compare, exact, reordered_sum, ulp, unordered, walk
from pytest_parwork.equivalence import digest as digest_module
from pytest_parwork.model.comparison import Comparison, Policy

POLICIES: Sequence[Policy] = (
    exact(),
    exact(dict_order=True),
    ulp(2),
    close(rtol=1e-3),
    reordered_sum([1.0, 2.0]),
    unordered(),
)

#: Steps of a path, their longest texts, the dots between them.
LONGEST_PATH = 41 * 64
LONGEST_TEXT = 120
LONGEST_DIFFERENCE = 1000


def check_bounds(comparison: Comparison) -> None:
    assert len(comparison.mismatches) <= min(comparison.count, 100)
    assert len(comparison.notes) <= 100
    assert sum(comparison.classes.values()) == comparison.count
    for mismatch in comparison.mismatches:
        texts = {
            mismatch.path: LONGEST_PATH,
            mismatch.actual: LONGEST_TEXT,
            mismatch.expected: LONGEST_TEXT,
            mismatch.difference: LONGEST_DIFFERENCE,
            "".join(mismatch.indices): LONGEST_TEXT,
            mismatch.at: LONGEST_TEXT,
        }
        for text, limit in texts.items():
            assert len(text) <= limit
            assert text.isprintable()
    for note in comparison.notes:
        assert len(note.path) <= LONGEST_PATH
        assert len(note.text) <= LONGEST_DIFFERENCE
        assert f"{note.path}{note.text}".isprintable()
    assert str(comparison).replace("\n", "").isprintable()


def compare_pairs(seed: int, count: int) -> None:
    """Compare so many pairs, each of which can be drawn again by its number."""
    for number in range(count):
        rng = random.Random(f"{seed}:{number}")
        left, right, equal = draw_pair(rng)
        policy = rng.choice(POLICIES)
        comparison = compare(left, right, policy)
        check_bounds(comparison)
        if equal is not None:
            assert bool(compare(left, right)) == equal, f"{seed}:{number}"
        digest_module.digest(left)


@pytest.fixture(autouse=True)
def _soon_too_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limits at which values count as endless."""
    monkeypatch.setattr(walk, "DEPTH", 3000)
    monkeypatch.setattr(digest_module, "DEPTH", 3000)


def test_five_hundred_pairs_raise_nothing() -> None:
    compare_pairs(seed=0, count=500)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(51))
def test_a_hundred_thousand_pairs_raise_nothing(seed: int) -> None:
    compare_pairs(seed=seed, count=2000)
