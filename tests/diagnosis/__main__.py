"""Diagnose all planted defects, print what was found, and exit with 1 if anything is wrong."""

from __future__ import annotations

import argparse
import re
import sys
from statistics import median

from .clean import CLEAN, FLUKES
from .corpus import DEFECTS
from .fresh import GUILTY_LOOKING
from .in_items import CLEAN_ITEMS
from .judging import Judged, Seconds, as_table, judged, session

#: Modules of a session.
AT_ONCE = 12

#: Most defects whose cause may remain unnamed; none may have a wrong confirmed one.
MOST_MISSED = 2


def main() -> int:
    """Run the corpus as often as asked."""
    parser = argparse.ArgumentParser(prog="python -m diagnosis", description=__doc__)
    parser.add_argument("-k", default="", metavar="REGEX", help="names in which this is found")
    parser.add_argument("--times", type=int, default=1, help="how often; each time counts")
    parser.add_argument("--least", type=float, help="seconds of each diagnosis, on a busy machine")
    parser.add_argument("--report", action="store_true", help="print the sessions as well")
    asked = parser.parse_args()
    clean = (*CLEAN, *CLEAN_ITEMS, *GUILTY_LOOKING)
    corpus = [one for one in (*DEFECTS, *clean, *FLUKES) if re.search(asked.k, one.name)]
    is_bad = False
    for _ in range(asked.times):
        found: list[Judged] = []
        for start in range(0, len(corpus), AT_ONCE):
            some = corpus[start : start + AT_ONCE]
            found += judged(some, *session(some, least=asked.least, is_shown=asked.report))
            print(as_table(found[start:]), flush=True)
        wrong = [one for one in found if one.is_wrong]
        missed = [one for one in found if one.is_missed and one.planted in DEFECTS]
        seconds = [one.seconds for one in found if one.causes] or [Seconds()]
        both = (
            f"{what} median {median(some):.1f}, most {max(some):.1f}"
            for what, some in zip(("clock:", "CPU:"), zip(*seconds, strict=True), strict=True)
        )
        print(
            f"{len(found)} modules, {len(missed)} causes missed, {len(wrong)} wrong; seconds of a "
            f"diagnosis, {'; '.join(both)}",
            flush=True,
        )
        is_bad |= bool(wrong) or len(missed) > MOST_MISSED
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main())
