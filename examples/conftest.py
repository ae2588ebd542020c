"""Backends of one's own, and what "the same" means for a class of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from matrix import Matrix
from thread_pool import ThreadPoolBackend

from pytest_parwork import Mismatch, Policy, compare
from pytest_parwork.backends import Backend

#: What needs further libraries, or fails by design: `tox -e parallel`, `tox -e known`.
collect_ignore = ["parallel", "known"]


def pytest_parwork_backends() -> Mapping[str, Backend]:
    backends: dict[str, Backend] = {"threadpool": ThreadPoolBackend()}
    if find_spec("pebble") is not None:
        from pebble_pool import PebbleBackend

        backends["pebble"] = PebbleBackend()
    return backends


def pytest_parwork_compare(
    actual: object, expected: object, path: str, policy: Policy
) -> Sequence[Mismatch] | None:
    """Compare matrices by shape and elements: a stored zero counts as a missing element."""
    if not (isinstance(actual, Matrix) and isinstance(expected, Matrix)):
        return None
    if actual.shape != expected.shape:
        shapes = [str(matrix.shape) for matrix in (actual, expected)]
        return [Mismatch(path=f"{path}.shape", kind="shape", actual=shapes[0], expected=shapes[1])]
    found = []
    for place in sorted({*actual.elements, *expected.elements}):
        left, right = (matrix.elements.get(place, 0.0) for matrix in (actual, expected))
        if not compare(left, right, policy):
            at = f"{path}[{place[0]}, {place[1]}]"
            found.append(Mismatch(path=at, kind="value", actual=str(left), expected=str(right)))
    return found
