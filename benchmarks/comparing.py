"""The time to find that two values are equal, by `exact()`, and with NumPy and joblib.

Targets: at most 1.3 times as long as `numpy.array_equal` for two arrays of 80 MB, and at most
20 µs, which is 2 s in the second table, for each of 100,000 small cases.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import joblib
import numpy as np
from measure import Contender, interleave, repeats, show, timed

from pytest_parwork.equivalence import compare

ARRAY = np.random.default_rng(0).random(10_000_000)
CASES = 25_000

#: Small results of each kind.
KINDS: dict[str, list[object]] = {
    "dicts": [{"loss": i / 7, "steps": i, "name": f"run {i}"} for i in range(CASES)],
    "tuples": [(i, i / 7, f"run {i}") for i in range(CASES)],
    "arrays of ten floats": [np.arange(10.0) + i for i in range(CASES)],
    "floats": [i / 7 for i in range(CASES)],
}


def has_same_hash(actual: object, expected: object) -> bool:
    """Compare by joblib."""
    hashes = [joblib.hash(side) for side in (actual, expected)]
    return bool(hashes[0] == hashes[1])


def assert_allclose(actual: Any, expected: Any) -> bool:
    """Compare by NumPy, with its tolerance."""
    np.testing.assert_allclose(actual, expected)
    return True


def each(judge: Callable[[Any, Any], object], cases: Sequence[tuple[object, object]]) -> Contender:
    """Return the contender that compares all cases."""

    def run() -> None:
        for actual, expected in cases:
            assert judge(actual, expected)

    return timed(run)


def main() -> None:
    """Measure, and print."""
    count = repeats(__doc__)
    large = [(ARRAY, ARRAY.copy())]
    judges: dict[str, Callable[[Any, Any], object]] = {
        "numpy.array_equal": np.array_equal,
        "compare": compare,
        "joblib.hash of both": has_same_hash,
        "assert_allclose": assert_allclose,
    }
    contenders = {name: each(judge, large) for name, judge in judges.items()}
    title = "two arrays of 80 MB; target 1.3"
    show(title, interleave(contenders, count), peer="numpy.array_equal")
    copies = {name: copy.deepcopy(values) for name, values in KINDS.items()}
    pairs = {name: list(zip(KINDS[name], copies[name], strict=True)) for name in KINDS}
    pairs = {"of each kind": list(chain.from_iterable(pairs.values())), **pairs}
    for name, cases in pairs.items():
        contenders = {
            "compare": each(compare, cases),
            "joblib.hash of both": each(has_same_hash, cases),
        }
        if "floats" in name:
            contenders["assert_allclose"] = each(assert_allclose, cases)
        title = f"{len(cases):,} small cases, {name}; 1 s is {1e6 / len(cases):.0f} µs for each"
        show(title, interleave(contenders, count), peer="compare")


if __name__ == "__main__":
    main()
