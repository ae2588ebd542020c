"""The relation `exact` between matplotlib's figures; `tox -e company` has matplotlib."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_parwork.equivalence import compare, exact
from pytest_parwork.equivalence.digest import digest
from pytest_parwork.transport.pickling import dumps, load

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _closes() -> Any:
    yield
    pyplot.close("all")


def figure(*values: float, title: str = "") -> Any:
    made, axes = pyplot.subplots()
    axes.plot(values)
    axes.set_title(title)
    return made


def test_figures_are_equal_if_they_draw_the_same_pixels() -> None:
    assert compare(figure(1, 2), figure(1, 2))
    assert compare([figure(1, 2)], [figure(1, 2)])
    assert digest(figure(1, 2)) == digest(figure(1, 2))


def test_a_figure_that_draws_others_differs() -> None:
    found = compare(figure(1, 2), figure(1, 3))
    assert not found
    assert found.mismatches[0].path.startswith(".pixels")
    assert not compare(figure(1, 2, title="a"), figure(1, 2, title="b"))
    assert digest(figure(1, 2)) != digest(figure(1, 3))


def test_nothing_stays_open_and_the_figures_are_as_before() -> None:
    sides = figure(1, 2), figure(1, 2)
    before = [(side.canvas, len(side.axes), side.stale) for side in sides]
    numbers = pyplot.get_fignums()
    assert exact()(*sides)
    assert [(side.canvas, len(side.axes), side.stale) for side in sides] == before
    assert pyplot.get_fignums() == numbers


def test_a_figure_that_cannot_be_copied_is_drawn_itself() -> None:
    sides = figure(1, 2), figure(1, 2)
    for side in sides:
        side.axes[0].format_coord = lambda *_: ""
    canvases = [side.canvas for side in sides]
    assert compare(*sides)
    assert [side.canvas for side in sides] == canvases


def test_a_figure_that_is_sent_is_not_opened_where_it_arrives() -> None:
    sent = figure(1, 2)
    numbers = pyplot.get_fignums()
    back = load(dumps(sent, is_result=True))
    assert pyplot.get_fignums() == numbers
    assert compare(back, sent)
