"""What the code of a test shows before it runs: what changes the process, what it requests."""

from __future__ import annotations

import contextlib
import functools
import os
import os as system
import random
import sys
import unittest
import unittest.mock
import warnings
from collections.abc import Callable
from types import SimpleNamespace as Namespace
from typing import Any
from unittest import mock
from unittest.mock import patch

import pytest

from pytest_parwork.plugin.cases.code import CHANGING, constants_around, find_change, uses


def deletes_from_modules() -> None:
    for name in [name for name, _ in sys.modules.items() if name == "nothing"]:
        del sys.modules[name]


def assigns_to_a_module() -> None:
    sys.stdout = sys.__stdout__


def assigns_to_its_own() -> None:
    own = Namespace()
    own.count = len(sys.modules)


def catches() -> None:
    with warnings.catch_warnings():
        pass


def warns() -> None:
    with pytest.warns(UserWarning, match="x"):
        warnings.warn("x", stacklevel=1)


def patches_by_module() -> None:
    with mock.patch("os.getcwd"):
        pass


def patches_by_full_name() -> None:
    with unittest.mock.patch.object(os, "getcwd"):
        pass


def patches_by_name() -> None:
    with patch.dict(os.environ, {"A": "1"}):
        pass


def patches_after_an_import() -> None:
    from unittest import mock as local

    with local.patch("os.getcwd"):
        pass


@patch("os.getcwd")
def is_patched(_: object) -> None:
    pass


def changes_folder() -> None:
    system.chdir("/")


def redirects() -> None:
    with contextlib.redirect_stdout(None):
        pass


def writes_environ() -> None:
    os.environ["A"] = "1"


def deletes_from_environ() -> None:
    del system.environ["A"]


def updates_environ() -> None:
    os.environ.update(A="1")


def is_nested() -> Callable[[], None]:
    def inner() -> None:
        with warnings.catch_warnings():
            pass

    return inner


def calls_another() -> None:
    catches()


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: object) -> object:
        return function(*args)

    return call


@decorated
def is_wrapped() -> None:
    catches()


class Cases(unittest.TestCase):
    def warns(self) -> None:
        with self.assertWarns(UserWarning):
            pass


@pytest.mark.parametrize(
    ("function", "change"),
    [
        (catches, "warnings.catch_warnings"),
        (warns, "pytest.warns"),
        (patches_by_module, "mock.patch"),
        (patches_by_full_name, "mock.patch"),
        (patches_by_name, "mock.patch"),
        (patches_after_an_import, "mock.patch"),
        (is_patched, "mock.patch"),
        (changes_folder, "os.chdir"),
        (redirects, "contextlib.redirect_stdout"),
        (writes_environ, "os.environ"),
        (deletes_from_environ, "os.environ"),
        (updates_environ, "os.environ"),
        (deletes_from_modules, "sys.modules"),
        (assigns_to_a_module, "sys.stdout"),
        (is_nested, "warnings.catch_warnings"),
        (calls_another, "warnings.catch_warnings"),
        (is_wrapped, "warnings.catch_warnings"),
        (Cases.warns, "assertWarns"),
    ],
)
def test_what_changes_the_process_is_found(function: Callable[..., Any], change: str) -> None:
    assert find_change(function) == change


def reads_environ() -> object:
    found = {}
    found["home"] = os.environ["HOME"]
    return found, os.environ.get("A")


def draws() -> float:
    random.seed(1)
    return random.random()


class Own:
    def chdir(self) -> None:
        pass


def has_a_method_of_such_a_name() -> None:
    Own().chdir()


def only_warns() -> None:
    warnings.warn("x", stacklevel=1)


@pytest.mark.parametrize(
    "function",
    [reads_environ, draws, has_a_method_of_such_a_name, only_warns, assigns_to_its_own, len],
)
def test_what_does_not_is_left_alone(function: Callable[..., Any]) -> None:
    assert find_change(function) == ""


def test_the_names_in_the_table_exist() -> None:
    import importlib

    for module, names in CHANGING.items():
        try:
            found = importlib.import_module(module)
        except ImportError:
            continue  # of a library that is not installed
        for name in names:
            is_newer = (module, name) == ("contextlib", "chdir")  # of Python 3.11
            is_newer |= (module, name) == ("pytest", "assume")  # of pytest-assume
            assert is_newer or hasattr(found, name), f"{module}.{name}"


def requests_some(request: Any) -> object:
    def inner() -> object:
        return request.getfixturevalue("second")

    return request.getfixturevalue("first"), inner()


def test_the_constants_next_to_a_name_are_found() -> None:
    assert {"first", "second"} <= set(constants_around("getfixturevalue", requests_some))
    assert list(constants_around("getfixturevalue", draws)) == []


def test_a_decorator_of_such_a_package_is_recognised_though_it_wraps() -> None:
    code = (
        "import functools\n"
        "def activate(function):\n"
        "    @functools.wraps(function)\n"
        "    def wrapper(*args): return function(*args)\n"
        "    return wrapper\n"
    )
    names: dict[str, Any] = {"__name__": "responses"}
    exec(code, names)
    decorated = names["activate"](only_warns)
    assert decorated.__module__ == __name__
    assert find_change(decorated) == "responses"


def test_so_it_is_where_another_package_has_made_the_wrapper() -> None:
    names: dict[str, Any] = {"__name__": "mocket"}
    exec("def around(function, *args): return function(*args)", names)
    around, function = names["around"], only_warns

    @functools.wraps(function)
    def wrapper(*args: object) -> object:
        return around(function, *args)

    assert find_change(wrapper) == "mocket"


def test_what_a_function_names_of_a_package() -> None:
    def calls_it() -> object:
        return [warnings.warn(str(n), stacklevel=1) for n in range(2)]

    def takes_of_it() -> object:
        return patch("os.getcwd")

    assert uses(takes_of_it, "unittest")
    assert not uses(calls_it, "unittest")
    assert not uses(takes_of_it, "functools")
