"""Suggestions for an unknown backend name: the nearest name, and a short list of all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from itertools import groupby, product


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
