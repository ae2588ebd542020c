"""The mistakes in the tests of a session, which are reported together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import cast

import pytest

from ...model.dataclass import dataclass
from ...model.errors import UsageError

#: How many tests are named that have the same mistake as another one.
NAMED = 20


@dataclass(slots=True)
class Mistakes:
    """Found while the tests are collected, `by_file`, and for those that are selected.

    Collecting goes on meanwhile, so that the user sees all of them at once. `functions` are those
    with a mistake in the marker, by collector and name.
    """

    by_file: dict[pytest.Collector, list[str]] = field(default_factory=dict)
    functions: set[tuple[pytest.Collector, str]] = field(default_factory=set)
    selected: dict[str, list[str]] = field(default_factory=dict)

    @contextmanager
    def noted(self, definition: pytest.Function) -> Iterator[None]:
        """Note a mistake in the marker of a test function, which raises `UsageError`."""
        try:
            yield
        except UsageError as error:
            parent = cast("pytest.Collector", definition.parent)
            self.functions.add((parent, definition.originalname))
            self.note(parent, f"{definition.nodeid}: {error}")

    def note(self, parent: pytest.Collector, text: str) -> None:
        """Note a mistake in a class or a file."""
        texts = self.by_file.setdefault(parent.getparent(pytest.Module) or parent, [])
        if text not in texts:
            texts.append(text)

    def has(self, item: pytest.Item) -> bool:
        """Return whether there is a mistake in the marker of the function of an item."""
        if not self.functions or not isinstance(item, pytest.Function):
            return False
        return (cast("pytest.Collector", item.parent), item.originalname) in self.functions

    def note_selected(self, item: pytest.Function, error: Exception) -> None:
        """Note why a test cannot be fanned out, once for all of its cases."""
        ids = self.selected.setdefault(str(error), [])
        assert item.parent is not None
        test = f"{item.parent.nodeid}::{item.originalname}"
        if not ids:
            ids.append(item.nodeid)
        elif test not in ids and ids[0].partition("[")[0] != test:
            ids.append(test)

    def report(self) -> None:
        """Report all: those in files as errors of their collection.

        Raises `pytest.UsageError` for those of selected tests.
        """
        for collector, texts in self.by_file.items():
            report = pytest.CollectReport(
                nodeid=collector.nodeid, outcome="failed", longrepr="\n".join(texts), result=[]
            )
            collector.ihook.pytest_collectreport(report=report)
        self.by_file.clear()
        if self.selected:
            raise pytest.UsageError(*_lines(self.selected))


def _lines(selected: Mapping[str, list[str]]) -> Iterator[str]:
    for text, (first, *others) in selected.items():
        also = ", ".join(others[:NAMED])
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        yield f"{first}: {text}" + (f" (also {also}{more})" if others else "")
