"""The layout of arrays that are sent as arguments: strides, order, alignment, read-only."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from support.rows import check_each

from pytest_parwork.model.work import Task
from pytest_parwork.transport import layout
from pytest_parwork.transport.held import load_sent
from pytest_parwork.transport.identity import Identities
from pytest_parwork.transport.pickling import dumps
from pytest_parwork.worker.copies import Copies

BASE = np.arange(4 * 6 * 8, dtype=float).reshape(4, 6, 8)
RECORDS = np.zeros(5, dtype=[("flag", "u1"), ("number", "f8")])
RECORDS["number"] = range(5)
LARGE = np.arange(1 << 16, dtype=float)

ARRAYS: dict[str, Any] = {
    "contiguous": BASE,
    "Fortran": np.asfortranarray(BASE),
    "every other": BASE[::2, ::3],
    "column": BASE[:, :, 0],
    "reversed": BASE[::-1],
    "reversed with gaps": BASE[:, ::-2, ::-1],
    "axes exchanged": BASE.transpose(1, 0, 2),
    "axes reversed": BASE.T[::-1],
    "broadcast": np.broadcast_to(np.arange(3.0), (1000, 3)),
    "one element for all": np.broadcast_to(7, (1 << 20, 1 << 20)),
    "windows": np.lib.stride_tricks.sliding_window_view(LARGE[:5000], 100),
    "diagonal": np.einsum("ii->i", np.arange(9).reshape(3, 3)),
    "large": LARGE[::2],
    "field, not aligned": RECORDS["number"],
    "records": RECORDS[::2],
    "times": np.array(["2020-01-01", "2021-01-01", "NaT"], "M8[D]"),
    "every other time": np.arange(6).astype("m8[s]")[::2],
    "texts": np.array(["a", "bc", "def"])[::-1],
    "complex": (np.arange(8) + 1j)[::3],
    "big-endian": np.arange(8, dtype=">i4")[::3],
    "bool": np.array([True, False, True])[::2],
    "objects": np.array([1, "a", None], object),
    "objects, two axes": np.array([[1, "a"], [None, 2.5]], object).T,
    "no element": BASE[:0, ::2],
    "scalar": np.array(1.5),
}


def by_process(value: object) -> Any:
    return load_sent(dumps(value, themselves=Identities()))


def by_buffers(value: object) -> Any:
    """As a payload does it: large buffers are apart, and those of the worker are writeable."""
    buffers: list[pickle.PickleBuffer] = []
    data = dumps(value, buffers, themselves=Identities())
    return load_sent(data, buffers=[bytearray(buffer.raw()) for buffer in buffers])


def by_thread(value: object) -> Any:
    (arguments,) = Copies.of([Task(id="", function=print, args=(value,))]).arguments
    return arguments[0][0]


@pytest.mark.parametrize("way", [by_process, by_buffers, by_thread])
@pytest.mark.parametrize("is_read_only", [False, True], ids=["as it is", "read-only"])
def test_an_array_arrives_with_its_layout(is_read_only: bool, way: Any) -> None:
    def arrives(array: Any) -> None:
        array = array.view()
        if is_read_only:
            array.flags.writeable = False
        found = way(array)
        assert type(found) is np.ndarray
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        if array.size < 1 << 20:
            np.testing.assert_array_equal(found, array)
        assert not np.may_share_memory(found, array)
        for flag in ("writeable", "c_contiguous", "f_contiguous", "aligned"):
            assert getattr(found.flags, flag) == getattr(array.flags, flag), flag
        if not array.dtype.hasobject:
            assert found.strides == array.strides or not array.size

    check_each(ARRAYS, arrives)


def test_a_view_that_spans_too_much_memory_arrives_without_gaps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layout, "MOST_SPANNED", 1000)
    found = by_process(LARGE[::1000])
    assert found.strides == (8,)
    np.testing.assert_array_equal(found, LARGE[::1000])


def test_a_sum_of_an_argument_has_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    array = rng.random((1000, 37))[:, 5]
    assert by_process(array).sum() == array.sum()


@pytest.mark.parametrize(
    "array", [np.arange(9.0), np.array([1, None]), np.array(["2020"], "M8[Y]")]
)
def test_a_small_array_owns_its_memory_if_it_did(array: Any) -> None:
    array = array.copy()
    view = array[:1]
    for way in (by_process, by_buffers, by_thread):
        found = way(array)
        assert found.flags.owndata
        found.resize((20,))
        if not array.dtype.hasobject and array.dtype.kind != "M":  # which NumPy copies
            assert not way(view).flags.owndata


def test_one_array_in_two_places_stays_one() -> None:
    array = BASE[::2]
    for way in (by_process, by_buffers, by_thread):
        first, second = way([array, array])
        assert first is second


def test_a_subclass_is_left_to_its_own_pickle() -> None:
    class Own(np.ndarray[Any, Any]):
        pass

    for array in (np.ma.masked_array(BASE, BASE > 3)[::2], np.arange(4).view(np.recarray)):
        assert type(by_process(array)) is type(array)
    assert layout.reduce_array(np.arange(4).view(Own)[::2]) is None
