"""The commands that run a failed case again, serially or with the others of its configuration."""

from __future__ import annotations

from collections.abc import Iterator

from ..config.commands import command
from ..config.options import OF_TESTS
from ..config.settings import AXES, marker_keywords
from .groups import Case

__all__ = ["again", "serially"]


def again(case: Case) -> str:
    """Return the command that runs the workload of a case in the same configuration."""
    item, group = case.item, case.group
    own = f"{item.originalname}[{group.axes}"
    if group.axes and item.name == f"{own}]":
        return command(item.config, case.id, keywords=_open(case, OF_TESTS))
    options = ("-k", f"{own}-") if group.axes else ()
    return command(item.config, group.id, *options, keywords=_open(case, OF_TESTS))


def serially(case: Case) -> str:
    """Return the command that runs a case alone, in pytest's own process."""
    # A matrix from the options is in the ids.
    names = AXES if case.group.axes else ()
    keywords = _open(case, names)
    return command(case.item.config, case.id, "--parwork-serial", keywords=keywords)


def _open(case: Case, keywords: tuple[str, ...]) -> Iterator[str]:
    """Yield the keywords that the marker leaves to the options."""
    named = marker_keywords(case.item)
    return (keyword for keyword in keywords if keyword not in named)
