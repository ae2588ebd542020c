"""Hints at arguments of which a worker had a copy, though an assertion asked for their identity."""

from __future__ import annotations

import ast

from ...equivalence import show
from ...machine.syntax import parse
from ...model.outcome import Outcome
from ...transport.identity import Identities
from ...transport.pickling import ATOM_IDS
from ..cases.groups import Case


def hint_at_copies(case: Case, actual: Outcome, expected: Outcome) -> str:
    """Name the copied arguments in an assertion with `is` that failed in the worker only.

    Empty if there is none.
    """
    failure = actual.failure
    if failure is None or expected.failure is not None or not failure.is_assertion:
        return ""
    names = _asked_for(failure.source)
    run, callspec = case.sent.run, getattr(case.item, "callspec", None)
    values = {**(callspec.params if callspec is not None else {}), **(run.wide if run else {})}
    identities = Identities(for_threads=True)
    copied = [
        f"{name}, {show(value, limit=40)}"
        for name, value in values.items()
        if name in names and id(type(value)) not in ATOM_IDS and identities.reduce(value) is None
    ]
    if not copied:
        return ""
    return (
        f"the worker had a copy of {' and '.join(copied)}, because a case could change it. The "
        f"assertion asks with `is` for the object itself; compare with == instead"
    )


def _asked_for(line: str) -> set[str]:
    """Return the names in a line of source if it has an `is`, empty otherwise."""
    try:
        nodes = list(ast.walk(parse(line.strip())))
    except (SyntaxError, ValueError):  # a part of a longer statement
        return set(line.replace("(", " ").replace(")", " ").split()) if " is " in line else set()
    is_asked = any(
        isinstance(node, ast.Compare) and any(isinstance(op, ast.Is) for op in node.ops)
        for node in nodes
    )
    return {node.id for node in nodes if isinstance(node, ast.Name)} if is_asked else set()
