"""The digest of one value against `joblib.hash`, which knows less of what is equal.

Targets: at most half of its time for an array of 80 MB, a tenth for lists and dicts.
"""

from __future__ import annotations

from collections.abc import Callable

import joblib
import numpy as np
from measure import Contender, interleave, repeats, show, timed

from pytest_parwork.equivalence.digest import digest

ARRAY = np.random.default_rng(0).random(10_000_000)
FLOATS = ARRAY[:1_000_000].tolist()

#: The values to digest, under a name with the target ratio, if any.
LARGE: dict[str, object] = {
    "80 MB of float64; target 0.5": ARRAY,
    "80 MB, a thousandth of it NaN": np.where(ARRAY < 0.001, np.nan, ARRAY),
    "80 MB in Fortran order": np.asfortranarray(ARRAY.reshape(2500, 4000)),
    "80 MB, every second element of 160": np.repeat(ARRAY, 2)[::2],
    "a list of 1,000,000 floats; target 0.1": FLOATS,
    "a list of 999,999 floats and an int; target 0.1": [*FLOATS[1:], 1],
    "50,000 nested dicts in a list; target 0.1": [
        {"id": i, "name": f"n{i}", "inner": {"x": i / 7}} for i in range(25_000)
    ],
    "50,000 nested dicts in a dict; target 0.1": {
        f"k{i}": {"id": i, "inner": {"x": i / 7, "y": (i, None)}} for i in range(25_000)
    },
    "50,000 nested dicts, no two alike; target 0.1": [
        {f"k{i}": i, "inner": {"x": i / 7}} for i in range(25_000)
    ],
}

SMALL: dict[str, object] = {
    "a dict of three items, 10,000 times": {"loss": 0.5, "steps": 12, "name": "run"},
    "an array of ten floats, 10,000 times": np.arange(10.0),
}


def often(function: Callable[[object], object], value: object, times: int) -> Contender:
    """Return the contender that calls a function of a value so many times."""

    def run() -> None:
        for _ in range(times):
            function(value)

    return timed(run)


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    for times, values in ((1, LARGE), (10_000, SMALL)):
        for title, value in values.items():
            contenders = {
                "joblib.hash": often(joblib.hash, value, times),
                "digest": often(digest, value, times),
            }
            show(title, interleave(contenders, count), peer="joblib.hash")


if __name__ == "__main__":
    main()
