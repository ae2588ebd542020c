"""Other seeds in the body of a test: the numbers that it passes as such, replaced in its source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any

from ...machine.syntax import parse

#: Keywords that take a seed.
KEYWORDS = frozenset({"seed", "random_state", "random_seed", "rng", "seeds"})

#: What is added to a seed.
OFFSET = 1000


def seeds_of(function: Callable[..., object]) -> list[str]:
    """Return the calls in the source of a function that pass a number as a seed, as texts.

    A generator that is made to draw the data of the test is none of them: other data are another
    case.
    """
    tree = _tree(function)
    return [] if tree is None else [ast.unparse(where) for where, _ in _seeds(tree)]


def _seeds(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.Constant]]:
    """Yield the calls and keywords that take a seed, each with the number."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        given: list[tuple[ast.AST, ast.AST]] = [
            (keyword, keyword.value) for keyword in node.keywords if keyword.arg in KEYWORDS
        ]
        if "seed" in name.lower() and len(node.args) == 1:
            given.insert(0, (node, node.args[0]))
        for where, value in given:
            if isinstance(value, ast.Constant) and type(value.value) is int:
                yield where, value


def _tree(function: Callable[..., object]) -> ast.Module | None:
    try:
        return parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return None


def with_other_seed(function: Callable[..., object], number: int) -> Callable[..., object]:
    """Return a function of the same source with another number for one of `seeds_of`."""
    tree = _tree(function)
    plain = inspect.unwrap(getattr(function, "__func__", function))
    if tree is None or not isinstance(plain, FunctionType):
        return function
    _, constant = list(_seeds(tree))[number]
    assert isinstance(constant.value, int)
    constant.value += OFFSET
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    names: dict[str, Any] = {}
    code = compile(ast.fix_missing_locations(tree), inspect.getfile(plain), "exec")
    exec(code, plain.__globals__, names)
    made: Callable[..., object] = names[definition.name]
    owner = getattr(function, "__self__", None)
    return made if owner is None else MethodType(made, owner)
