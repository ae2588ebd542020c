"""The tests that were not fanned out: pytest ran them as ever, and they are counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..model.dataclass import dataclass
from ..model.listing import shorten
from ..model.printable import make_printable

#: How many reasons a title names, the most frequent first.
NAMED = 4

#: Most columns for a reason in a title: a text that a plugin wrote may be of any length.
_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainEntry:
    """One test that is plain.

    `reason` is short, because tests are counted by it; `detail` says more where there is more.
    `is_unsent` says that it could have been fanned out, but its arguments, its fixtures or its
    result could not be sent, or its backend could not start: under --parwork-strict it fails.
    """

    id: str
    reason: str
    detail: str = ""
    is_unsent: bool = False

    def __post_init__(self) -> None:
        make_printable(self, "id", "reason", "detail")


def count_plain(entries: Sequence[PlainEntry], *, has_list: bool) -> str:
    """Count the tests by reason: `37 plain: 20 async, 12 @given, 5 doctest (-v lists them)`."""
    counts = Counter(shorten(entry.reason, _LONGEST) for entry in entries).most_common()
    named = [f"{number:,} {reason}" for reason, number in counts[:NAMED]]
    if rest := sum(number for _, number in counts[NAMED:]):
        named.append(f"{rest:,} for other reasons")
    hint = "" if has_list else " (-v lists them)"
    return f"{len(entries):,} plain: {', '.join(named)}{hint}"


def list_plain(entries: Sequence[PlainEntry]) -> Iterator[str]:
    """Yield each reason with the tests that are plain for it, and the detail of the first."""
    by_reason: dict[str, list[PlainEntry]] = {}
    for entry in entries:
        by_reason.setdefault(entry.reason, []).append(entry)
    for reason, those in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
        detail = f": {those[0].detail}" if those[0].detail else ""
        yield f"plain, {reason}{detail}"
        yield from (f"  {entry.id}" for entry in those)
