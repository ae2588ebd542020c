"""Other seeds in the body of a test: the numbers that it passes as such, replaced in its source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from ...machine.syntax import parse

#: Keywords that take a seed; `seeds=` may be how many there are to be.
KEYWORDS = frozenset({"seed", "random_state", "random_seed", "rng"})

#: What makes a generator of a seed.
MAKERS = frozenset({"default_rng", "RandomState", "Random", "SeedSequence", "PCG64", "PRNGKey"})

#: What is added to a seed, or taken from it: the other one must be unlike any usual one.
OFFSET = 731_002_900


class Seed(NamedTuple):
    """A seed in a source: the text of its call or keyword, its value, what puts another there.

    A generator that `is_maybe_data` may be made to draw the data of the test.
    """

    text: str
    value: int
    put: Callable[[ast.expr], object]
    is_maybe_data: bool


def seeds_of(function: Callable[..., object]) -> list[str]:
    """Return the calls in the source of a function that pass a number as a seed, as texts.

    A generator that is made to draw the data of the test is none of them: other data are another
    case.
    """
    return [one.text for one in all_seeds_of(function) if not one.is_maybe_data]


def all_seeds_of(function: Callable[..., object]) -> list[Seed]:
    """Return the same seeds, and after them those of generators that may draw the data."""
    tree = _tree(function)
    return [] if tree is None else _seeds(tree, function)


def other_seed(value: int) -> int:
    """Return the seed that replaces one; both fit in 32 bits if that does."""
    return value - OFFSET if value >= OFFSET else value + OFFSET


def _seeds(tree: ast.AST, function: Callable[..., object]) -> list[Seed]:
    names = getattr(_plain(function), "__globals__", {})
    return sorted(_given(tree, names), key=lambda one: one.is_maybe_data)  # stable


def _given(tree: ast.AST, names: Mapping[str, object]) -> Iterator[Seed]:
    """Yield the calls and keywords that take a seed, with the number, or the name of a global."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else ""
        if name in MAKERS or (isinstance(function, ast.Name) and function.id in MAKERS):
            made, put = node.args[:1], partial(node.args.__setitem__, 0)
            if made and (value := _value(made[0], names)) is not None:
                yield Seed(ast.unparse(node), value, put, True)
        elif name.lower().endswith("seed") and len(node.args) == 1:
            put = partial(node.args.__setitem__, 0)
            if (value := _value(node.args[0], names)) is not None:
                yield Seed(ast.unparse(node), value, put, False)
        for keyword in node.keywords:
            if keyword.arg in KEYWORDS and (value := _value(keyword.value, names)) is not None:
                yield Seed(ast.unparse(keyword), value, partial(setattr, keyword, "value"), False)


def _value(node: ast.expr, names: Mapping[str, object]) -> int | None:
    """Return the number that an expression is, or the global of that name."""
    value: object = None
    if isinstance(node, ast.Constant):
        value = node.value
    elif isinstance(node, ast.Name):
        value = names.get(node.id)
    return value if type(value) is int else None


def _tree(function: Callable[..., object]) -> ast.Module | None:
    try:
        return parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return None


def _plain(function: Callable[..., object]) -> object:
    return inspect.unwrap(getattr(function, "__func__", function))


def with_other_seed(function: Callable[..., object], number: int) -> Callable[..., object]:
    """Return a function of the same source with another number for one of `all_seeds_of`."""
    tree, plain = _tree(function), _plain(function)
    if tree is None or not isinstance(plain, FunctionType):
        return function
    seed = _seeds(tree, function)[number]
    seed.put(ast.Constant(other_seed(seed.value)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    names: dict[str, Any] = {}
    code = compile(ast.fix_missing_locations(tree), inspect.getfile(plain), "exec")
    exec(code, plain.__globals__, names)
    made: Callable[..., object] = names[definition.name]
    owner = getattr(function, "__self__", None)
    return made if owner is None else MethodType(made, owner)
