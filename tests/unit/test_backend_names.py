"""How the names of backends read in an error."""

from __future__ import annotations

import multiprocessing

import pytest

from pytest_parwork.backends import bundled
from pytest_parwork.machine.abilities import start_methods
from pytest_parwork.plugin.config.registry import nearest, shorthand


def test_a_family_is_listed_once_with_what_may_follow() -> None:
    starts = "|".join(f":{name}" for name in sorted(start_methods()))
    told = shorthand(bundled())
    assert (
        f", multiprocessing[{starts}][:apply|:apply_async|:imap|:imap_unordered|:map|:map_async"
        f"|:starmap|:starmap_async], processes[{starts}], "
    ) in told
    assert told.startswith(f"dask, isolated[{starts}], ")
    assert len(told) < 300, "it should be readable"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"serial", "mine"}, "mine, serial"),
        ({"a", "a:x"}, "a[:x]"),
        ({"a", "a:x", "a:y", "a:1", "a:x:1", "a:y:1"}, "a[:x|:y][:1]"),
        ({"a:x", "a:y"}, "a:x, a:y"),
        ({"a", "a:x", "a:1:x"}, "a, a:1:x, a:x"),
        ({"a", "a:x:y:z"}, "a, a:x:y:z"),
        ({"a-b", "a", "a:x"}, "a[:x], a-b"),
        ((), ""),
    ],
)
def test_brackets_promise_no_name_that_nobody_offers(names: set[str], told: str) -> None:
    assert shorthand(names) == told


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("thread", "threads"),
        ("process", "processes"),
        ("Threads", "threads"),
        ("multiprocessing:imp", "multiprocessing:imap"),
        ("multiprocessing.map", "multiprocessing:map"),
        ("multiprocessing:imap:spawn", "multiprocessing:spawn:imap"),
        ("rocket", None),
        ("", None),
    ],
)
def test_the_nearest_name_is_the_one_that_was_probably_meant(asked: str, name: str | None) -> None:
    assert nearest(asked, bundled()) == name


def test_start_methods_are_those_of_multiprocessing() -> None:
    assert sorted(start_methods()) == sorted(multiprocessing.get_all_start_methods())
