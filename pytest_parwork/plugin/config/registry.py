"""The single instances of a session: backends by name, guard, breadcrumb, changes, and so on.

What only runs need is imported where it is made: to check options and markers needs names alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from itertools import groupby, product
from typing import TYPE_CHECKING, cast

import pytest

from ...backends.protocol import Backend, Family, check_reach
from ...model.errors import UsageError
from ..compat import uncaptured
from ..session.breadcrumb import Breadcrumb  # here: a case may replace what it imports
from .options import ENVIRONMENT, no_send

if TYPE_CHECKING:
    from ...machine.surroundings import Changes
    from ...model.comparison import Mismatch, OwnComparison, Policy
    from ...runner.guard import Guard
    from ...transport.sources import Sendable

_BACKENDS = pytest.StashKey[Mapping[str, Backend]]()
_CHECKED = pytest.StashKey[set[str]]()
_GUARD = pytest.StashKey["Guard"]()
_BREADCRUMB = pytest.StashKey["Breadcrumb"]()
_CHANGES = pytest.StashKey["Changes"]()


def backends(config: pytest.Config) -> Mapping[str, Backend]:
    """Return every backend by name, asking the plugins once a session."""
    if _BACKENDS not in config.stash:
        found: dict[str, Backend] = {}
        homes: dict[str, str] = {}
        for impl in config.pluginmanager.hook.pytest_parwork_backends.get_hookimpls():
            offered = impl.function(*[config for _ in impl.argnames])
            if not isinstance(offered, Mapping):
                if offered is None:
                    continue  # no answer, as in pluggy
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
    """Return the guard, which ends the workers of this session in any case."""
    if _GUARD not in config.stash:
        from ...runner.guard import Guard

        config.stash[_GUARD] = Guard()
    return config.stash[_GUARD]


def sendable(config: pytest.Config) -> Sendable:
    """Return the rule which files of the project may be sent to workers that lack them."""
    from ...transport.sources import Sendable

    return Sendable(root=config.rootpath, no_send=no_send(config))


def breadcrumb(config: pytest.Config) -> Breadcrumb:
    """Return the breadcrumb, which reports the result whose loading ended this process."""
    if _BREADCRUMB not in config.stash:
        config.stash[_BREADCRUMB] = Breadcrumb(lambda: uncaptured(config))
        config.add_cleanup(config.stash[_BREADCRUMB].close)
    return config.stash[_BREADCRUMB]


def changes(config: pytest.Config) -> Changes:
    """Return the changes of the environment in this session."""
    if _CHANGES not in config.stash:
        from ...machine.surroundings import Changes

        config.stash[_CHANGES] = Changes(config.stash[ENVIRONMENT])
    return config.stash[_CHANGES]


def own_comparison(item: pytest.Item, policy: Policy) -> OwnComparison | None:
    """Return the project's own comparison of parts of values, None if it has none."""
    hook = item.ihook.pytest_parwork_compare
    if not hook.get_hookimpls():
        return None  # or the hook would be called for every part of every value in vain

    def ask(actual: object, expected: object, path: str) -> Sequence[Mismatch] | None:
        answer: Sequence[Mismatch] | None = hook(
            actual=actual, expected=expected, path=path, policy=policy
        )
        return answer

    return ask


def backend_named(config: pytest.Config, name: str) -> Backend:
    """Return the backend of that name, or the member of a family that the colon names."""
    known, checked = backends(config), config.stash.setdefault(_CHECKED, set())
    if name in known:
        if name not in checked:  # it is asked for every test
            check_reach(name, known[name])
            checked.add(name)
        return known[name]
    family, _, argument = name.partition(":")
    if argument and isinstance(found := known.get(family), Family):
        return check_reach(name, found.named(argument))
    raise unknown_backend(name, known)


def unknown_backend(value: object, known: Mapping[str, Backend]) -> UsageError:
    """Return the error for an unknown backend, with the nearest name and all others."""
    meant = nearest(value, known) if isinstance(value, str) else None
    hint = f" (did you mean {meant!r}?)" if meant else ""
    return UsageError(f"unknown backend {value!r}{hint}; known: {shorthand(known)}")


def close_backends(config: pytest.Config) -> None:
    """Close the backends that were used, if any, and end the processes that tasks left."""
    kept = config.stash.get(_BACKENDS, {}).values()
    with ExitStack() as closing:  # one that fails keeps no other from it
        if _GUARD in config.stash:
            closing.callback(config.stash[_GUARD].end_workers)
        for backend in {id(backend): backend for backend in kept}.values():  # some have two names
            closing.callback(backend.close)


def close_guard(config: pytest.Config, *, at_exit: bool) -> None:
    """End what workers have left, if there were any; with `at_exit`, watch until Python exits."""
    if _GUARD in config.stash:
        config.stash[_GUARD].close(at_exit=at_exit)


def nearest(asked: str, names: Collection[str]) -> str | None:
    """Return the name that was probably meant: with parts in another order, or misspelt."""
    for name in names:
        if sorted(name.split(":")) == sorted(asked.split(":")):
            return name
    return next(iter(get_close_matches(asked, names, n=1)), None)


def shorthand(names: Collection[str]) -> str:
    """List all names in order, each family as one: `processes[:fork|:spawn]`."""
    found: list[str] = []
    split = sorted(name.split(":") for name in names)
    for family, members in groupby(split, lambda parts: parts[0]):
        suffixes = {tuple(parts[1:]) for parts in members}
        levels = list(_levels(suffixes))
        if suffixes == {tuple(filter(None, row)) for row in product(*[["", *x] for x in levels])}:
            found.append(
                family + "".join(f"[{'|'.join(f':{x}' for x in level)}]" for level in levels)
            )
        else:  # brackets would suggest names that do not exist
            found += sorted(":".join([family, *suffix]) for suffix in suffixes)
    return ", ".join(found)


def _levels(suffixes: Collection[tuple[str, ...]]) -> Iterator[list[str]]:
    """Yield the sets of alternative suffixes: those followed by another suffix, then the rest."""
    before = {suffix[0] for suffix in suffixes if len(suffix) > 1}
    rest = {part for suffix in suffixes for part in suffix} - before
    yield from (sorted(level) for level in (before, rest) if level)
