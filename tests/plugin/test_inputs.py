"""Calls that change their arguments."""

from __future__ import annotations

import pytest

from .scratch import Scratch

#: Which run has changed its argument is another question each time.
DAILY_OF_EACH = 3

BODY = """
@pytest.fixture(scope="module")
def shared():
    return {{"seen": []}}

@pytest.mark.parwork(backend={backend!r}, workers=2)
@pytest.mark.parametrize("n", range(4))
def test_append(n, shared):
    if {when}:
        shared["seen"].append(n)
    return n
"""


@pytest.mark.parametrize("backend", ["processes:fork", "threads"])
@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("True", "the call changed the argument 'shared' in both runs"),
        ("is_here()", "the call changed the argument 'shared' in the serial run"),
        ("not is_here()", "the call changed an argument in the parallel run"),
    ],
)
def test_a_case_that_changes_its_argument_passes_with_a_note(
    scratch: Scratch, backend: str, when: str, told: str
) -> None:
    scratch.cases(BODY.format(backend=backend, when=when))
    session = scratch.run(report=True)
    assert session.counts == {"passed": 4}
    assert f"note: test_append[0]: {told}" in " ".join(session.text.split())
    notes = session.run("test_it.py::test_append")["notes"]
    assert [note["case"].rpartition("::")[2] for note in notes] == [
        "test_append[0]",
        "test_append[3]",
    ]
    assert {note["kind"] for note in notes} == {"input-changed"}


def test_a_call_that_changes_its_argument_passes_with_a_note(scratch: Scratch) -> None:
    scratch.cases(
        """
        def pop(items):
            return items.pop()

        def test_pop(parwork):
            run = parwork.map(pop, [[1], [2], [3]], backend="processes:fork", workers=2)
            assert [note.path for note in run.comparison.notes] == ["[0]", "[2]"]
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 1}
    assert "the call changed the argument '1' in both runs" in " ".join(session.text.split())


def test_unchanged_inputs_give_no_note(scratch: Scratch) -> None:
    scratch.cases(BODY.format(backend="threads", when="False"))
    session = scratch.run(report=True)
    assert session.run("test_it.py::test_append")["notes"] == []
