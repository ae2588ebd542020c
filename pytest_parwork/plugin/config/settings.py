"""Markers, options and calls, checked and resolved into plans."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from numbers import Real
from typing import Any, cast

import pytest

from ...backends.protocol import Backend, Family
from ...equivalence import as_policy, exact
from ...machine.budget import most_workers
from ...model.comparison import Mismatch, OwnComparison, Policy
from ...model.errors import UsageError
from ...model.work import Configuration, Plan, WorkersAsked
from ...runner import Guard
from ...transport.sources import Sendable
from ..compat import uncaptured
from ..session.breadcrumb import Breadcrumb
from .names import nearest, shorthand
from .options import DEFAULTS, KEYWORDS, MARK, no_send

__all__ = [
    "AXES",
    "CONFIGURATION",
    "Settings",
    "backend_named",
    "breadcrumb",
    "close_backends",
    "guard",
    "is_marked",
    "marker_keywords",
    "marks",
    "own_comparison",
    "sendable",
    "settings",
]

#: Keywords that may be lists and then make a matrix, in the order of the ids.
AXES = ("backend", "workers")

#: Seconds that a timeout can be set to: a hundred days, which timers of every system can count.
LONGEST = 8_640_000.0

#: The name under which a matrix parametrizes the test.
CONFIGURATION = "parwork_configuration"

_BACKENDS = pytest.StashKey[Mapping[str, Backend]]()
_GUARD = pytest.StashKey[Guard]()
_BREADCRUMB = pytest.StashKey[Breadcrumb]()


def backends(config: pytest.Config) -> Mapping[str, Backend]:
    """Return every backend by name, asking the plugins once a session."""
    if _BACKENDS not in config.stash:
        found: dict[str, Backend] = {}
        homes: dict[str, str] = {}
        for impl in config.pluginmanager.hook.pytest_parwork_backends.get_hookimpls():
            offered = impl.function(*[config for _ in impl.argnames])
            if not isinstance(offered, Mapping):
                if offered is None:
                    continue  # no answer, as pluggy has it
                raise UsageError(
                    f"pytest_parwork_backends of {impl.plugin_name} returned {offered!r:.80}; "
                    f"return a mapping of names to backends"
                )
            for name, backend in cast("Mapping[str, Backend]", offered).items():
                if name in found:
                    raise UsageError(
                        f"two plugins offer a backend {name!r}: {homes[name]} and "
                        f"{impl.plugin_name}; rename one"
                    )
                found[name], homes[name] = backend, impl.plugin_name
        config.stash[_BACKENDS] = found
    return config.stash[_BACKENDS]


def guard(config: pytest.Config) -> Guard:
    """Return what ends the workers of this session in any case."""
    if _GUARD not in config.stash:
        config.stash[_GUARD] = Guard()
    return config.stash[_GUARD]


def sendable(config: pytest.Config) -> Sendable:
    """Return which files of the project may be sent to workers that have none of them."""
    return Sendable(root=config.rootpath, no_send=no_send(config))


def breadcrumb(config: pytest.Config) -> Breadcrumb:
    """Return what names the result whose loading has ended this process."""
    if _BREADCRUMB not in config.stash:
        config.stash[_BREADCRUMB] = Breadcrumb(lambda: uncaptured(config))
        config.add_cleanup(config.stash[_BREADCRUMB].close)
    return config.stash[_BREADCRUMB]


def own_comparison(item: pytest.Item, policy: Policy) -> OwnComparison | None:
    """Return what the project says of parts of values, None where it says nothing."""
    hook = item.ihook.pytest_parwork_compare
    if not hook.get_hookimpls():
        return None  # or every part of every value would be asked for in vain

    def ask(actual: object, expected: object, path: str) -> Sequence[Mismatch] | None:
        said: Sequence[Mismatch] | None = hook(
            actual=actual, expected=expected, path=path, policy=policy
        )
        return said

    return ask


def backend_named(config: pytest.Config, name: str) -> Backend:
    """Return the backend of that name, or of a family and what it takes after the colon."""
    known = backends(config)
    if name in known:
        return known[name]
    family, _, argument = name.partition(":")
    if argument and isinstance(found := known.get(family), Family):
        return found.named(argument)
    raise _unknown(name, known)


def _unknown(value: object, known: Mapping[str, Backend]) -> UsageError:
    meant = nearest(value, known) if isinstance(value, str) else None
    hint = f" (did you mean {meant!r}?)" if meant else ""
    return UsageError(f"unknown backend {value!r}{hint}; known: {shorthand(known)}")


def close_backends(config: pytest.Config) -> None:
    """Let the backends go that were used, if any, and end what tasks have left."""
    kept = config.stash.get(_BACKENDS, {}).values()
    with ExitStack() as closing:  # one that fails keeps no other from it
        closing.callback(guard(config).end_workers)
        for backend in {id(backend): backend for backend in kept}.values():  # some have two names
            closing.callback(backend.close)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All keywords with their values, checked; `axes` are those that were given as lists."""

    axes: Mapping[str, tuple[Any, ...]]
    values: Mapping[str, Any]

    def matrix(self) -> list[tuple[str, Configuration]]:
        """Return each configuration with its id, outermost axis first; empty without an axis."""
        if not self.axes:
            return []
        named = [axis for axis in AXES if axis in self.axes]
        rows = product(*(self.axes[axis] for axis in named))
        return [
            (
                "-".join(str(value) for value in row),
                _configuration({**self.values, **dict(zip(named, row, strict=True))}),
            )
            for row in rows
        ]

    def plan(self, configuration: Configuration | None = None) -> Plan:
        """Return the plan, in the given configuration of the matrix or the only one."""
        return Plan(
            configuration=configuration or _configuration(self.values),
            policy=self.values["compare"],
            verify=self.values["verify"],
            timeout=self.values["timeout"],
            min_speedup=self.values["min_speedup"],
        )


def _configuration(values: Mapping[str, Any]) -> Configuration:
    return Configuration(
        backend=values["backend"], workers=values["workers"], chunksize=values["chunksize"]
    )


def is_marked(node: pytest.Item) -> bool:
    """Return whether parwork was asked for on the node or around it."""
    return node.get_closest_marker(MARK) is not None


def marks(node: pytest.Item) -> list[pytest.Mark]:
    """Return all markers of the node, the closest one last."""
    return [mark for around in node.listchain() for mark in around.own_markers if mark.name == MARK]


def marker_keywords(node: pytest.Item) -> dict[str, object]:
    """Merge the keywords of all markers: `pytest.param` and `add_marker` over function over class.

    `get_closest_marker` would give those of the function, although a parameter's mark is closer.
    """
    merged: dict[str, object] = {}
    for mark in marks(node):
        if mark.args:
            raise UsageError(
                f"parwork takes keywords only, not {mark.args[0]!r}; known: {', '.join(KEYWORDS)}"
            )
        merged.update(mark.kwargs)
    return merged


def settings(config: pytest.Config, given: Mapping[str, object]) -> Settings:
    """Check the keywords of markers or of a call, and fill in options, ini options and defaults.

    Raises `UsageError` with the value and the valid ones.
    """
    for keyword in given:
        if keyword not in KEYWORDS:
            raise UsageError(f"unknown keyword {keyword!r}; parwork knows: {', '.join(KEYWORDS)}")
    most_workers()  # a wrong one is told where a test first asks for workers, not inside a run
    asked = {**DEFAULTS, **dict(_options(config)), **given}
    axes: dict[str, tuple[Any, ...]] = {}
    values: dict[str, Any] = {
        "compare": as_policy(cast("Any", asked["compare"])) if "compare" in asked else exact(),
        "verify": _number("verify", asked["verify"], highest=1.0),
        "chunksize": _count("chunksize", asked.get("chunksize", "auto")),
    }
    for keyword, highest in (("timeout", LONGEST), ("min_speedup", math.inf)):
        value = asked.get(keyword)
        checked = None if value is None else _number(keyword, value, highest=highest, above=True)
        values[keyword] = checked
    for axis in AXES:
        value = asked[axis]
        if isinstance(value, list | tuple):
            axes[axis] = _axis(axis, value, config)
        else:
            values[axis] = _axis_value(axis, value, config)
    return Settings(axes=axes, values=values)


def _options(config: pytest.Config) -> Iterator[tuple[str, object]]:
    """Yield the keywords that options or ini options give a default."""
    for keyword in ("backend", "workers", "verify", "timeout"):
        text = config.getoption(f"parwork_{keyword}") or config.getini(f"parwork_{keyword}")
        if not text:
            continue
        parts = [part.strip() for part in text.split(",")]
        if keyword in ("verify", "timeout"):
            yield keyword, _parsed(float, text, f"--parwork-{keyword}={text}: {KEYWORDS[keyword]}")
        elif keyword == "workers":
            parsed = [part if part == "auto" else _parsed_workers(part, text) for part in parts]
            yield keyword, parsed if len(parsed) > 1 else parsed[0]
        else:
            yield keyword, parts if len(parts) > 1 else parts[0]


def _parsed_workers(part: str, text: str) -> object:
    return _parsed(int, part, f"--parwork-workers={text}: {KEYWORDS['workers']}")


def _parsed(kind: type[int] | type[float], text: str, problem: str) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise UsageError(problem) from None


def _axis(
    axis: str, value: list[object] | tuple[object, ...], config: pytest.Config
) -> tuple[object, ...]:
    found = tuple(_axis_value(axis, part, config) for part in value)
    if not found:
        raise UsageError(f"{axis}={value!r} is empty; give {KEYWORDS[axis]}")
    if len(set(found)) < len(found):
        raise UsageError(f"{axis}={value!r} names the same twice")
    return found


def _axis_value(axis: str, value: object, config: pytest.Config) -> object:
    if axis == "workers":
        return _count("workers", "auto" if value == -1 else value)
    if not isinstance(value, str):
        raise _unknown(value, backends(config))
    backend_named(config, value)
    return value


def _count(keyword: str, value: object) -> WorkersAsked:
    if value == "auto" and isinstance(value, str):
        return "auto"
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{keyword}={value!r}; give {KEYWORDS[keyword]}")
    return value


def _number(
    keyword: str, value: object, *, highest: float = math.inf, above: bool = False
) -> float:
    fits = isinstance(value, Real) and not isinstance(value, bool)
    if not fits or not 0 <= float(value) <= highest or (above and not value):  # type: ignore[arg-type]  # a Real by now
        raise UsageError(f"{keyword}={value!r}; give {KEYWORDS[keyword]}")
    return float(value)  # type: ignore[arg-type]  # a Real by now
