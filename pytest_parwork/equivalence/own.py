"""A project's own comparison of two parts of values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..model.comparison import Mismatch, OwnComparison
from .show import clip, show

TEXT_LIMIT = 1000
_INDICES = 5


def ask(
    own: OwnComparison, actual: object, expected: object, path: str
) -> Sequence[Mismatch] | None:
    """Return the project's own comparison of two parts; TypeError for an invalid result."""
    found = own(actual, expected, path)
    if found is None:
        return None
    if not all(isinstance(mismatch, Mismatch) for mismatch in found):
        raise TypeError(
            f"pytest_parwork_compare returned {show(found)}; return a list of Mismatch, or None"
        )
    return [bound(mismatch) for mismatch in found]


def bound(mismatch: Mismatch) -> Mismatch:
    """Return the mismatch with bounded texts and finite numbers, as reports need them."""
    return replace(
        mismatch,
        path=clip(str(mismatch.path), limit=TEXT_LIMIT),
        kind=clip(str(mismatch.kind)),
        actual=clip(str(mismatch.actual)),
        expected=clip(str(mismatch.expected)),
        difference=clip(str(mismatch.difference), limit=TEXT_LIMIT),
        absolute=_keep_finite(mismatch.absolute),
        relative=_keep_finite(mismatch.relative),
        array=clip(str(mismatch.array)),
        indices=tuple(clip(str(index)) for index in mismatch.indices[:_INDICES]),
        at=clip(str(mismatch.at)),
    )


def _keep_finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
