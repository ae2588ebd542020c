"""The merging of several comparisons into one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..model.comparison import Comparison

#: At most so many mismatches and notes are kept; all are counted.
KEPT = 100


def at_step(comparison: Comparison, step: str) -> Comparison:
    """Return the comparison of a part with paths that start at the whole: with `step` in front."""
    return replace(
        comparison,
        mismatches=tuple(replace(m, path=step + m.path) for m in comparison.mismatches),
        notes=tuple(replace(note, path=step + note.path) for note in comparison.notes),
    )


def merge(comparisons: Sequence[Comparison], policy: str) -> Comparison:
    """Return the results of several comparisons as one, under the name of one policy."""
    classes: Counter[str] = Counter()
    for comparison in comparisons:
        classes.update(comparison.classes)
    mismatches = [m for comparison in comparisons for m in comparison.mismatches]
    notes = [note for comparison in comparisons for note in comparison.notes]
    return Comparison(
        mismatches=tuple(mismatches[:KEPT]),
        count=sum(comparison.count for comparison in comparisons),
        policy=policy,
        classes=dict(classes),
        notes=tuple(notes[:KEPT]),
    )
