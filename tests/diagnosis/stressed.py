"""Sessions with and without perturbed runs, and which hidden defects these find."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .clean import CLEAN
from .hidden import HIDDEN
from .judging import session
from .planted import Planted

#: Modules of a session.
AT_ONCE = 6

#: Share of the defects that a plain run misses which perturbed runs have to find.
LEAST = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Stressed:
    """What a session found in a module: by the plain run, and by perturbed ones."""

    planted: Planted
    is_plain: bool
    rows: Sequence[str]

    @property
    def is_found(self) -> bool:
        """Whether a perturbed run differed."""
        return bool(self.rows)


def stressed(corpus: Sequence[Planted]) -> list[Stressed]:
    """Run modules with `--parwork-stress=quick`; its first run of each is a plain one."""
    options = ("--parwork-stress=quick", "--parwork-diagnose=off")
    report, _ = session(corpus, options=options)
    runs = {run["id"].partition(".py::")[0]: run for run in report["runs"]}
    return [_stressed(one, runs[f"test_{one.name}"]) for one in corpus]


def _stressed(planted: Planted, run: Mapping[str, Any]) -> Stressed:
    found = run["stress"]["runs"] if run["stress"] is not None else ()
    return Stressed(
        planted=planted,
        is_plain=run["verdict"] != "EQUAL",
        rows=[one["row"] for one in found if one["verdict"] in ("DIFFERENT", "LOST")],
    )


def chunks(corpus: Sequence[Planted]) -> Iterator[Sequence[Planted]]:
    """Yield the corpus, so much of it as one session takes."""
    for start in range(0, len(corpus), AT_ONCE):
        yield corpus[start : start + AT_ONCE]


def as_table(found: Sequence[Stressed]) -> str:
    """Return a table: found by the plain run, by perturbed ones, or missed."""
    return "\n".join(
        f"{'plain' if one.is_plain else 'found' if one.is_found else '-':5} {one.planted.name:36} "
        f"{one.planted.backend:16} {'; '.join(one.rows)}".rstrip()
        for one in found
    )


def main() -> int:
    """Run hidden defects and clean functions; fail if many are missed, or a clean one is not."""
    parser = argparse.ArgumentParser(prog="python -m diagnosis.stressed", description=__doc__)
    parser.add_argument("-k", default="", metavar="REGEX", help="names in which this is found")
    asked = parser.parse_args()
    found: list[Stressed] = []
    for some in chunks([one for one in (*HIDDEN, *CLEAN) if re.search(asked.k, one.name)]):
        found += stressed(some)
        print(as_table(found[-len(some) :]), flush=True)
    clean = [one for one in found if not one.planted.causes]
    missed = [one for one in found if one.planted.causes and not one.is_plain]
    share = sum(one.is_found for one in missed) / max(1, len(missed))
    wrong = sum(one.is_found for one in clean)
    print(
        f"{len(missed)} of {len(found) - len(clean)} hidden defects missed by a plain run, "
        f"{share:.0%} of these found under stress; {wrong} of {len(clean)} clean functions blamed"
    )
    return int(share < LEAST or wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
