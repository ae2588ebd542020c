"""Parsing of sources while finalizers parse as well."""

from __future__ import annotations

import ast

import pytest

from pytest_parwork.machine.syntax import parse


class ParsesAtItsEnd:
    """An object that only the garbage collector finds, and whose finalizer parses."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        ast.parse("x = 1")


def test_finalizers_that_parse_meanwhile_are_no_error() -> None:
    source = "\n".join(f"def f{i}(a, b=(1, [2, {{3: 4}}])):\n    return a" for i in range(50))
    for _ in range(100):
        for _ in range(30):
            ParsesAtItsEnd()
        assert len(parse(source).body) == 50


def test_an_error_of_syntax_is_raised() -> None:
    with pytest.raises(SyntaxError, match="invalid syntax"):
        parse("a b")
