"""What the user asks for with `--parwork-stress`, and the rows that failed last time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import SystemRandom

import pytest

from ...model.dataclass import dataclass
from ...model.errors import UsageError
from ...verify.stress.rows import Row, parse
from ..config.options import stress
from ..config.registry import backend_named

#: Where pytest's cache has the failing row of each item.
_CACHE = "parwork/stress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A level, or one row; `seed` is that of the rows, another one in each session."""

    text: str
    row: Row | None
    seed: int

    def rows(self, level: Iterable[Row], failed: Row | None) -> Iterator[Row]:
        """Yield the row that is asked for, or all of the level, the one that failed last first."""
        if self.row is not None:
            yield self.row
            return
        if failed is not None:
            yield failed
        yield from (row for row in level if row != failed)


_ASKED = pytest.StashKey[Asked]()


def check_stress(config: pytest.Config) -> None:
    """Read the option; raises `UsageError` for what is neither a level nor a row."""
    text = stress(config)
    if text:
        row = None if text in ("quick", "full") else parse(text)
        if row is not None:
            _check_backend(config, row, text)
        seed = SystemRandom().randrange(1, 1_000_000)
        config.stash[_ASKED] = Asked(text=text, row=row, seed=seed)


def _check_backend(config: pytest.Config, row: Row, text: str) -> None:
    try:
        backend_named(config, row.backend)
    except UsageError as error:
        raise UsageError(f"--parwork-stress={text}: {error}") from None


def asked(config: pytest.Config) -> Asked | None:
    """Return what is asked for, None for nothing."""
    return config.stash.get(_ASKED, None)


def failed_row(config: pytest.Config, id: str) -> Row | None:
    """Return the row that failed last time, None if none did, or this version cannot read it."""
    cache = getattr(config, "cache", None)
    text = (cache.get(_CACHE, {}) if cache is not None else {}).get(id)
    try:
        return parse(text) if isinstance(text, str) else None
    except UsageError:
        return None


def keep_row(config: pytest.Config, id: str, row: str | None) -> None:
    """Keep the row that failed, for the next session; None if none did."""
    cache = getattr(config, "cache", None)
    if cache is None:
        return
    known = dict(cache.get(_CACHE, {}))
    if known.get(id) == row:
        return
    if row is None:
        del known[id]
    else:
        known[id] = row
    cache.set(_CACHE, known)
