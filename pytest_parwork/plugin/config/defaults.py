"""The keywords for which options or ini options give a default, parsed and checked."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from ...model.errors import UsageError
from .options import DIAGNOSE, KEYWORDS, OF_TESTS

#: Ini options that are texts, and those of other types, which pytest converts when they are read.
_TEXTS = ("scope", "seed", "stress", *OF_TESTS, DIAGNOSE)
_CONVERTED = ("all", "counts_workers", "no_send", "report", "selftest", "serial", "strict")

#: Those with several values, separated by commas.
_SEVERAL = ("backend", "workers")

#: What an ini option may say as well: TOML has booleans.
_SWITCHES = {"on": True, "true": True, "off": False, "false": False}


class Default(NamedTuple):
    """The value of a keyword, and where it was given: `--parwork-workers=2`."""

    keyword: str
    value: object
    source: str


def defaults(config: pytest.Config) -> Iterator[Default]:
    """Yield the given defaults; options are stronger than ini options.

    Raises `UsageError` for what is no number, with the source and the valid values.
    """
    for keyword in ("scope", *OF_TESTS, DIAGNOSE):
        given = config.getoption(f"parwork_{keyword}", default=None)
        source = f"--parwork-{keyword}={given}"
        if not given:
            given = config.getini(f"parwork_{keyword}")
            source = f"the ini option parwork_{keyword} = {given}"
        if given:
            yield Default(keyword, _parse(keyword, given, source), source)


def _parse(keyword: str, given: str, source: str) -> object:
    if keyword == "scope":
        return given
    if keyword == DIAGNOSE:
        return _SWITCHES.get(given.lower(), given)
    if keyword not in _SEVERAL:
        return _parse_number(float, given, keyword, source)
    parts = [part.strip() for part in given.split(",")]
    if keyword == "backend":
        return parts if len(parts) > 1 else parts[0]
    numbers = [p if p == "auto" else _parse_number(int, p, keyword, source) for p in parts]
    return numbers if len(numbers) > 1 else numbers[0]


def _parse_number(
    kind: type[int] | type[float], text: str, keyword: str, source: str
) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"{source}: give {KEYWORDS[keyword]}") from None


def check_given(config: pytest.Config) -> None:
    """Raise `UsageError` for an option or ini option of a wrong type, with its name.

    Whether the values are valid, the settings check, which a session without parwork need not load.
    """
    for name in (*_TEXTS, *_CONVERTED):
        try:
            with (
                warnings.catch_warnings()
            ):  # pytest 9 warns of a list of TOML, pytest 10 rejects it
                warnings.simplefilter("ignore")
                value = config.getini(f"parwork_{name}")
        except (pytest.UsageError, TypeError, ValueError) as error:
            raise UsageError(f"the ini option parwork_{name}: {error}") from None
        if name in _TEXTS and not isinstance(value, str):
            commas = ", with commas between its values" if name in _SEVERAL else ""
            raise UsageError(f"the ini option parwork_{name} = {value!r}: give one text{commas}")
    for keyword, value, source in defaults(config):
        if keyword == DIAGNOSE and not isinstance(value, bool):
            raise UsageError(f"{source}: give on or off")
