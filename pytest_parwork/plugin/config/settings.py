"""The settings from markers, options and calls, checked and resolved into plans."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from difflib import get_close_matches
from functools import partial
from itertools import product
from numbers import Real
from typing import Any, cast, get_args

import pytest

from ...equivalence import as_policy, exact, show
from ...machine.budget import most_workers
from ...model.dataclass import dataclass
from ...model.errors import UsageError
from ...model.work import Configuration, Plan, Scope, WorkersAsked
from .defaults import defaults
from .marks import marker_keywords, marks
from .options import DEFAULTS, KEYWORDS, is_all
from .registry import backend_named, backends, unknown_backend
from .varied import Choice, Variant, check_vary, is_scaled, variants_inside, variants_of

#: Keywords that make a matrix if their value is a list, in the order of the ids.
AXES = ("backend", "workers")

#: Longest timeout in seconds: a hundred days, which the timers of every system support.
LONGEST = 8_640_000.0

#: More tasks of one case would take the memory of a whole suite, and bound a race little further.
MOST_REPEATS = 10_000

#: By the ids of the marks, which are kept alive so that their ids are not reused.
_SETTINGS = pytest.StashKey[dict[tuple[int, ...], tuple[Sequence[pytest.Mark], "Settings"]]]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a matrix: its configuration, and its label in the ids of tests."""

    label: str
    configuration: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All keywords with their checked values; `axes` are those that were given as lists.

    `own` are the keywords from a marker or a call, as opposed to options. `plans` are those made so
    far: all tests with the same markers have the same.
    """

    axes: Mapping[str, tuple[Any, ...]]
    values: Mapping[str, Any]
    own: frozenset[str]
    plans: dict[Configuration | None, Plan] = field(default_factory=dict, compare=False)

    @property
    def choice(self) -> Choice:
        """The way in which the test runs in parallel."""
        if self.values["vary"] is not None:
            return "vary"
        return "inside" if self.values["inside"] else "backend"

    def has_own(self, keyword: str) -> bool:
        """Return whether a marker names the keyword, so that options do not apply."""
        return keyword in self.own

    def matrix(self) -> list[Column]:
        """Return a column for each configuration, outermost axis first; none without an axis."""
        if not self.axes or self.choice != "backend":
            return []
        named = [axis for axis in AXES if axis in self.axes]
        rows = product(*(self.axes[axis] for axis in named))
        scaled = {"is_scaled": is_scaled(self.axes.get("workers", ()))}
        return [
            Column(
                label="-".join(str(value) for value in row),
                configuration=_configuration(
                    {**self.values, **dict(zip(named, row, strict=True)), **scaled}
                ),
            )
            for row in rows
        ]

    def variants(self) -> list[Variant]:
        """Return what is compared with one another; none with a backend."""
        vary = self.values["vary"]
        if vary is not None:
            return variants_of(vary, self.values["counting"])
        workers = self.axes.get("workers") or (self.values["workers"],)
        names = [axis for axis in ("inside", "workers") if axis in self.axes]
        return variants_inside(self.values["inside"], workers, names)

    def plan(self, configuration: Configuration | None = None) -> Plan:
        """Return the plan, in the given configuration of the matrix or the only one."""
        if configuration not in self.plans:
            self.plans[configuration] = self._plan(configuration)
        return self.plans[configuration]

    def _plan(self, configuration: Configuration | None) -> Plan:
        if self.choice != "backend":
            configuration = Configuration(backend="serial")  # the calls run in this process
        return Plan(
            configuration=configuration or _configuration(self.values),
            policy=self.values["compare"],
            verify=self.values["verify"],
            timeout=self.values["timeout"],
            min_speedup=self.values["min_speedup"],
            diagnose=self.values["diagnose"],
            scope=self._scope(),
            exclusive=self.values["exclusive"],
            repeat=self.values["repeat"],
        )

    def _scope(self) -> Scope:
        """Return the scope: a speed that a test demands is its own, unless its marker says else.

        Variants of a case are compared with one another, whatever else runs.
        """
        if self.choice != "backend":
            return "function"
        is_alone = self.values["min_speedup"] is not None and not self.has_own("scope")
        scope: Scope = "function" if is_alone else self.values["scope"]
        return scope


def _configuration(values: Mapping[str, Any]) -> Configuration:
    names = ("backend", "workers", "chunksize", "is_scaled")
    return Configuration(**{name: values[name] for name in names if name in values})


def choice_of(node: pytest.Item) -> Choice | None:
    """Return how the node runs in parallel; None if it has no marker, and not every test does.

    Raises `UsageError` for a wrong marker.
    """
    found = marks(node)
    if not found:
        return "backend" if is_all(node.config) else None
    return _settings_of(node, found).choice


def settings_of(node: pytest.Item) -> Settings:
    """Return the settings from a node's markers, checked once for all nodes with the same ones.

    Raises `UsageError` with the value and the valid ones.
    """
    return _settings_of(node, marks(node))


def _settings_of(node: pytest.Item, found: Sequence[pytest.Mark]) -> Settings:
    known = node.config.stash.setdefault(_SETTINGS, {})
    key = tuple(map(id, found))
    if key not in known:
        known[key] = (found, settings(node.config, marker_keywords(node)))
    return known[key][1]


def settings(config: pytest.Config, given: Mapping[str, object]) -> Settings:
    """Check the keywords of markers or of a call, and fill in options, ini options and defaults.

    Raises `UsageError` with the value and the valid ones.
    """
    for keyword in given:
        if keyword not in KEYWORDS:
            raise UsageError(f"unknown keyword {keyword!r}; known: {', '.join(KEYWORDS)}")
    most_workers()  # raises here, where a test first needs workers, instead of inside a run
    asked = {default.keyword: default.value for default in defaults(config)}
    return _check(config, {**DEFAULTS, **asked, **given}, own=frozenset(given))


def check_defaults(config: pytest.Config) -> None:
    """Raise `UsageError` for a wrong default, with the option or ini option that gives it."""
    for keyword, value, source in defaults(config):
        try:
            _check(config, {**DEFAULTS, keyword: value}, own=frozenset())
        except UsageError as error:
            raise UsageError(f"{error} (from {source})") from None


def _check(config: pytest.Config, asked: Mapping[str, Any], *, own: frozenset[str]) -> Settings:
    """Return all keywords with their checked values."""
    axes: dict[str, tuple[Any, ...]] = {}
    values: dict[str, Any] = {
        "compare": as_policy(cast("Any", asked["compare"])) if "compare" in asked else exact(),
        "verify": _number("verify", asked["verify"], highest=1.0),
        "chunksize": _count("chunksize", asked.get("chunksize", "auto")),
        "diagnose": _switch("diagnose", asked["diagnose"]),
        "scope": _scope(asked.get("scope", "module" if is_all(config) else "function")),
        "exclusive": _names(asked.get("exclusive")),
        "repeat": _count("repeat", asked.get("repeat", 1), highest=MOST_REPEATS),
        "vary": check_vary(asked.get("vary")),
        "inside": (),
        "counting": frozenset(config.getini("parwork_counts_workers")),
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
    if (inside := asked.get("inside")) is not None:
        if isinstance(inside, list | tuple):
            axes["inside"] = _axis("inside", inside, config)
        values["inside"] = axes.get("inside") or (_axis_value("inside", inside, config),)
    return Settings(axes=axes, values=values, own=own)


def _axis(
    axis: str, value: list[object] | tuple[object, ...], config: pytest.Config
) -> tuple[object, ...]:
    found = tuple(_axis_value(axis, part, config) for part in value)
    if not found:
        raise UsageError(f"{axis}={value!r} is empty; give {KEYWORDS[axis]}")
    if len(set(found)) < len(found):
        raise UsageError(f"{axis}={value!r} has a duplicate; give each value once")
    return found


def _axis_value(axis: str, value: object, config: pytest.Config) -> object:
    if axis == "workers":
        return _count("workers", "auto" if value == -1 else value)
    if axis == "inside":
        from ...runner.ambient import check_ambient  # a session without it need not load it

        return check_ambient(value, partial(backend_named, config))
    if not isinstance(value, str):
        raise unknown_backend(value, backends(config))
    backend_named(config, value)
    return value


def _switch(keyword: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{keyword}={value!r}; give {KEYWORDS[keyword]}")
    return value


def _scope(value: object) -> Scope:
    if not isinstance(value, str) or value not in get_args(Scope):
        meant = get_close_matches(str(value), get_args(Scope), n=1)
        hint = f" (did you mean {meant[0]!r}?)" if meant else ""
        raise UsageError(f"scope={value!r}{hint}; give {KEYWORDS['scope']}")
    return cast("Scope", value)


def _names(value: object) -> tuple[str, ...]:
    """Return the names of resources, each once."""
    names = () if value is None else (value,) if isinstance(value, str) else value
    if (
        not isinstance(names, list | tuple | set | frozenset)
        or not all(isinstance(name, str) and name.strip() for name in names)
        or (value is not None and not names)
    ):
        raise UsageError(f"exclusive={value!r}; give {KEYWORDS['exclusive']}")
    return tuple(sorted(set(names)))


def _count(keyword: str, value: object, *, highest: int | None = None) -> WorkersAsked:
    if highest is None and value == "auto" and isinstance(value, str):
        return "auto"
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not 1 <= value <= (highest or value)
    ):
        raise UsageError(f"{keyword}={show(value)}; give {KEYWORDS[keyword]}")
    return value


def _number(
    keyword: str, value: object, *, highest: float = math.inf, above: bool = False
) -> float:
    fits = isinstance(value, Real) and not isinstance(value, bool)
    if not fits or not 0 <= float(value) <= highest or (above and not value):  # type: ignore[arg-type]  # a Real by now
        raise UsageError(f"{keyword}={value!r}; give {KEYWORDS[keyword]}")
    return float(value)  # type: ignore[arg-type]  # a Real by now
