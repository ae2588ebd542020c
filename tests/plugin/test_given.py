"""Tests with `@given` on `isolated:fork`: the same examples in both runs, and no database."""

from __future__ import annotations

import pytest

from .scratch import Scratch

SUITE = """
    from hypothesis import given, settings, strategies as st

    @settings(max_examples=8)
    @given(st.integers())
    def test_examples(n):
        note(f"{n}")

    class TestMethods:
        @given(st.lists(st.integers()))
        def test_fails(self, values):
            assert sum(values) < 100

    @given(st.integers())
    def test_differs(n):
        assert is_here()
"""


def test_given_runs_with_the_same_examples_and_writes_none_of_them(scratch: Scratch) -> None:
    pytest.importorskip("hypothesis")
    scratch.cases(SUITE)

    session = scratch.run(
        "--parwork-all", "--parwork-backend=isolated:fork", "-p", "hypothesispytest", report=True
    )

    found = {
        case["id"].rpartition("::")[2]: case["verdict"]
        for run in session.report["runs"]
        for case in run["cases"]
    }
    assert found == {"test_examples": "EQUAL", "test_fails": "EQUAL", "test_differs": "DIFFERENT"}
    notes = [note.rsplit(" ", 1) for note in scratch.notes()]
    here = [text for text, place in notes if place == "here"]
    assert len(set(here)) > 1
    assert here == [text for text, place in notes if place == "there"]
    assert not (scratch.path / ".hypothesis" / "examples").exists()
