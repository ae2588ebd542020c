"""Results as they are when a body returns, and copies of what cannot be copied as a whole."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from pytest_parwork.model.outcome import NotSent, Outcome
from pytest_parwork.verify.reference import References
from pytest_parwork.worker.results import Copied, Pickled, take


class Holder:
    def __init__(self) -> None:
        self.items = [1]
        self.array = np.ones(100_000)
        self.lock = threading.Lock()


class Odd(list[int]):
    def __reduce_ex__(self, protocol: object) -> str:
        raise SystemExit


def clear(values: list[int]) -> None:
    values.clear()


def zero(values: np.ndarray[Any, Any]) -> None:
    values[:] = 0


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: [1, 2], clear),
        (lambda: bytearray(100_000), bytearray.clear),
        (lambda: np.ones(3), zero),
        (lambda: np.ones(100_000), zero),
        (lambda: np.ones((300, 300)).T, zero),
    ],
    ids=["list", "bytearray", "small array", "array", "transposed array"],
)
@pytest.mark.parametrize("in_workers", [True, False])
def test_a_taken_result_stays_as_it_was(
    make: Callable[[], Any], change: Callable[[Any], object], in_workers: bool
) -> None:
    value, before = make(), make()
    taken = take(value, in_workers=in_workers)
    change(value)
    assert str(value) != str(before)
    for _ in range(2):
        assert np.array_equal(pickle.loads(pickle.dumps(taken, protocol=5)), before)
    if isinstance(taken, Copied):
        assert np.array_equal(cast("Any", taken.read()), before)


def test_buffers_are_copied_only_where_something_may_change_them() -> None:
    array = np.ones(100_000)
    (shared,), (own,) = (Pickled(array, copies=copies).buffers for copies in (False, True))
    array[:] = 7
    assert np.all(np.frombuffer(shared.raw()) == 7)
    assert np.all(np.frombuffer(own.raw()) == 1)


def test_a_result_that_cannot_be_sent_says_why_once_it_is_needed() -> None:
    taken = take([threading.Lock()], in_workers=True)
    assert isinstance(taken, Pickled)
    assert taken.not_sent is not None
    assert "cannot be sent back from a worker: [0] is a _thread.lock" in taken.not_sent.detail


def test_a_copy_shares_only_what_cannot_be_copied() -> None:
    holder = Holder()
    copy = Copied([holder, holder]).read()
    assert isinstance(copy, list)
    holder.items.clear()
    holder.array[:] = 0
    assert copy[0] is copy[1] is not holder
    assert copy[0].items == [1]
    assert copy[0].array.sum() == 100_000
    assert copy[0].lock is holder.lock


@pytest.mark.parametrize("value", [threading.Lock(), (n for n in "ab"), lambda: 0])
def test_what_has_no_copy_at_all_stays_itself(value: object) -> None:
    assert Copied(value).read() is value


def test_what_cannot_be_copied_must_not_change() -> None:
    value = Odd([1])
    kept = Copied(value)
    assert kept.read() is value
    value.append(2)
    found = kept.read()
    assert isinstance(found, NotSent)
    assert "of type Odd, changed after the body returned it" in found.detail


def test_a_kept_reference_is_not_what_a_later_case_makes_of_it() -> None:
    references, shared = References(), [1]
    references.keep("case", Outcome(kind="value", value=shared), None, ())
    shared.append(2)
    found = references.get("case", ())
    assert found is not None
    assert found[0].value == [1]
