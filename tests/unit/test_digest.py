"""The digest agrees with the relation `exact`, wherever there is one."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from relation import VALUES, Row
from relation.classes import Bare, Pair, Point
from relation.making import twin
from relation.row import send_by_value
from relation.singles import NAN, OTHER_NAN
from support.rows import check_each

from pytest_parwork.equivalence import compare, walk
from pytest_parwork.equivalence import digest as own_module
from pytest_parwork.equivalence.digest import digest

TESTS = Path(__file__).parents[1]

#: Rows for which only the class, or its library, can decide whether two values are equal.
OWN = {name for name in VALUES if name.startswith(("own eq", "Annotated", "Literal"))} | {
    "generic alias",
    "other generic alias",
    "alias of a local class",
    "alias of another local class",
    "union in another order",
    "masked array with an attribute",
}
if hasattr(np.dtypes, "StringDType"):  # else they are arrays of objects
    OWN |= {"texts of any length", "other texts of any length"}
#: Definitions that refer to themselves, hold what has no digest, or are not what their name says.
UNNAMED = {
    "function that names itself",
    "other function that names itself",
    "made class with a lock",
    "local generic class",
    "local class of another type variable",
    "class by typed",
    "other class by typed",
    "instance by typed",
    "other instance by typed",
    "instance of another by typed",
    "object of another name",
    "object of a name elsewhere",
}
if not hasattr(np.sin, "__module__"):  # in older NumPy: only its name is known
    UNNAMED |= {"ufunc", "other ufunc"}
UNDECIDED = OWN | UNNAMED | {name for name, row in VALUES.items() if row.wanted == "uncomparable"}
DECIDED = {name: row for name, row in VALUES.items() if name not in UNDECIDED}
MATRIX = np.random.default_rng(0).random((700, 600))
TEXT = [f"text {i}" for i in range(100)]


def count_up(n: int) -> list[dict[str, object]]:
    return [{"id": i, "name": f"n{i}", "inner": {"x": i / 7, "y": (i, None)}} for i in range(n)]


def test_two_values_have_the_same_digest_exactly_if_they_are_equal() -> None:
    def have_the_same_exactly_if_equal(row: Row) -> None:
        left, right = digest(row.left), digest(row.right)
        assert left is not None
        assert right is not None
        assert len(left) == 20
        assert (left == right) == (not row.wanted)
        if row.is_picklable:
            assert digest(send_by_value(row.left)) == left

    check_each(DECIDED, have_the_same_exactly_if_equal)


def test_a_value_that_only_its_class_can_compare_has_no_digest() -> None:
    def has_none(row: Row) -> None:
        assert [digest(side) for side in (row.left, row.right, [row.left])] == [None] * 3

    check_each({name: VALUES[name] for name in UNDECIDED}, has_none)


@pytest.mark.parametrize("apart", [20, pytest.param(len(DECIDED), marks=pytest.mark.sweep)])
def test_any_two_values_have_the_same_digest_exactly_if_they_are_equal(apart: int) -> None:
    """Daily those that are close to one another in the table, which are of one kind."""
    known = [(row.left, digest(row.left)) for row in DECIDED.values()]
    wrong = [
        (left, right)
        for at, (left, one) in enumerate(known)
        for right, other in known[at + 1 : at + 1 + apart]
        if (one == other) != bool(compare(left, right))
    ]
    assert not wrong
    alike: dict[object, Any] = {}
    assert all(compare(alike.setdefault(one, value), value) for value, one in known)


HASHED = """
from unit.test_digest import HASH_DEPENDENT
from unit.test_digest import DECIDED
from pytest_parwork.equivalence.digest import digest
for name, row in DECIDED.items():
    print(name, digest(row.left))
for value in HASH_DEPENDENT:
    print(digest(value))
"""

HASH_DEPENDENT: list[object] = [
    set(TEXT),
    frozenset(map(frozenset, TEXT)),
    {frozenset(TEXT[i : i + 3]): i for i in range(50)},
    {Point: {Bare(x=text) for text in TEXT}},
    [dict.fromkeys(set(TEXT), 1)] * 20,
]


def test_every_process_gives_the_same_digests_under_any_hash_seed() -> None:
    written = {
        subprocess.run(
            [sys.executable, "-c", HASHED],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(TESTS)},
            capture_output=True,
            text=True,
            check=True,
            timeout=50,
        ).stdout
        for seed in ("0", "4242")
    }
    assert len(written) == 1
    (text,) = written
    assert text.count("\n") == len(DECIDED) + len(HASH_DEPENDENT)


def strided(array: Any) -> Any:
    return np.repeat(array, 2, axis=-1)[..., ::2]


def turned(array: Any) -> Any:
    return array[::-1].copy()[::-1]


def transposed(array: Any) -> Any:
    return np.ascontiguousarray(array.T).T


def shifted(array: Any) -> Any:
    """Return a copy that is not aligned."""
    raw = np.empty(array.nbytes + 1, "u1")
    moved = raw[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


def locked(array: Any) -> Any:
    copied = array.copy()
    copied.flags.writeable = False
    return copied


@pytest.mark.parametrize("lay", [strided, turned, transposed, shifted, locked, np.asfortranarray])
@pytest.mark.parametrize(
    "make",  # what stays in memory takes time in each fork
    [
        lambda: MATRIX,
        lambda: MATRIX.reshape(7, 100, 600),
        lambda: MATRIX.astype("c16"),
        lambda: MATRIX.astype(">f4"),
        lambda: MATRIX.astype("U9"),
        lambda: np.where(MATRIX > 0.5, NAN, MATRIX),
        lambda: np.arange(3_000_000) % 7,
    ],
    ids=["2-d", "3-d", "complex", "big-endian", "text", "NaN", "1-d"],
)
def test_the_memory_layout_does_not_count(
    lay: Callable[[Any], Any], make: Callable[[], Any]
) -> None:
    array = make()
    assert compare(lay(array), array)
    assert digest(lay(array)) == digest(array)


def test_a_memory_map_has_the_digest_of_its_array(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "data", "f8", "w+", shape=MATRIX.shape)
    mapped[:] = MATRIX
    assert digest(mapped) == digest(MATRIX)
    assert digest([mapped]) == digest([MATRIX])


@pytest.mark.parametrize("index", [0, 200_000, -1])
def test_every_element_counts(index: int) -> None:
    changed = MATRIX.copy()
    changed.flat[index] = np.nextafter(changed.flat[index], 2)
    assert digest(changed) != digest(MATRIX)
    assert digest(np.asfortranarray(changed)) == digest(changed)


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "g", "F", "D", "G"])
def test_all_nans_of_an_array_are_alike(dtype: str) -> None:
    left = np.array([1, NAN, 3, -0.0, NAN], dtype)
    right = left.copy()
    right.real[1] = -right.real[1]
    assert left.tobytes() != right.tobytes()
    before = left.tobytes(), right.tobytes()
    assert digest(left) == digest(right)
    assert digest(left) != digest(np.abs(left))  # which loses the sign of zero
    assert before == (left.tobytes(), right.tobytes())


def test_the_padding_of_long_doubles_does_not_count() -> None:
    left = np.ones(3, "g")
    right = left.copy()
    right.view("u1").reshape(3, -1)[:, 10:] = 7 if np.finfo("g").nmant == 63 else 0
    right.setflags(write=True)
    assert compare(left, right)
    assert digest(left) == digest(right)
    assert digest(left.astype("G")) != digest(left * 1j)


def test_masked_elements_do_not_count() -> None:
    mask = MATRIX > 0.5
    left: Any = np.ma.masked_array(MATRIX, mask)
    right: Any = np.ma.masked_array(np.asfortranarray(np.where(mask, NAN, MATRIX)), mask)
    assert compare(left, right)
    assert digest(left) == digest(right)
    assert digest(left) != digest(np.ma.masked_array(MATRIX, ~mask))


@pytest.mark.parametrize(
    "values",
    [
        [(1.0, "a"), (2.0, "b")],
        np.array([("2024", 1), ("2025", 2)], [("t", "M8[D]"), ("n", "i4")]),
        np.array([1, "a"], object),
    ],
    ids=["records", "times", "objects"],
)
def test_masked_elements_of_other_types_do_not_count(values: Any) -> None:
    array = np.array(values, [("x", "f8"), ("s", "U2")]) if type(values) is list else values
    masked: list[Any] = [np.ma.masked_array(array.copy()) for _ in range(2)]
    left, right = masked
    left[0] = right[0] = np.ma.masked
    np.asarray(left.data)[0] = array[1]
    assert compare(left, right)
    assert digest(left) is not None
    assert digest(left) == digest(right)
    assert digest(left) != digest(np.ma.masked_array(array))


def test_structured_dtypes_with_other_field_offsets_have_other_digests() -> None:
    fields: dict[str, Any] = {"names": ["a", "b"], "formats": ["f8", "i4"]}
    layouts: list[Any] = [fields | {"offsets": [0, 8]}, fields | {"offsets": [4, 0]}]
    dtypes: list[np.dtype[Any]] = [
        np.dtype([("a", "f8"), ("b", "i4")]),
        *map(np.dtype, layouts),
        np.dtype([("a", "f8"), ("b", "i4")], align=True),
        np.dtype([(("title", "a"), "f8"), ("b", "i4")]),
        np.dtype([("a", "f8", (2,)), ("b", "i4")]),
        np.dtype((np.record, [("a", "f8"), ("b", "i4")])),
    ]
    for left, right in itertools.product(dtypes, dtypes):
        assert (digest(left) == digest(right)) == (left == right)
        zeros = np.zeros(2, left), np.zeros(2, right)
        assert (digest(zeros[0]) == digest(zeros[1])) == bool(compare(*zeros))


def test_a_dtype_that_numpy_does_not_know_has_no_digest() -> None:
    if not (string := getattr(np.dtypes, "StringDType", None)):
        pytest.skip("before NumPy 2")
    assert digest(np.array(["a"], string())) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.lib.stride_tricks.as_strided(np.zeros(8), (2000, 2000), (0, 0)),
        lambda: np.zeros((2000, 4000))[:, ::2],
        lambda: np.full((2000, 2000), NAN),
        lambda: np.ma.masked_array(np.zeros((2000, 2000)), np.ones((2000, 2000), bool)),
        lambda: np.zeros((2000, 2000), order="F"),
    ],
    ids=["repeated", "strided", "NaN", "masked", "Fortran"],
)
def test_no_copy_is_made_of_an_array(make: Callable[[], Any]) -> None:
    array = make()
    digest(array[:2, :2])
    tracemalloc.start()
    try:
        assert digest(array) is not None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert array.nbytes == 32_000_000
    assert peak < 5_000_000


def test_a_change_of_an_input_is_detected() -> None:
    given: dict[str, Any] = {"data": MATRIX.copy(), "names": ["a"]}
    before = digest(given)
    assert digest(given) == before
    given["data"][3, 4] *= 2
    assert digest(given) != before


@pytest.mark.parametrize("odd", [7, NAN, 2**70, True, "é", None, b"x", -0.0, (1.0,), [], "\ud800"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: [i / 7 for i in range(100)],
        lambda: list(range(100)),
        lambda: TEXT,
        lambda: [i / 3 for i in range(200_000)],
    ],
    ids=["floats", "ints", "text", "very many floats"],
)
def test_one_odd_item_makes_another_list_and_the_same_one_again(
    make: Callable[[], list[object]], odd: object
) -> None:
    values = make()
    changed = [*values[:50], odd, *values[51:]]
    again = [*values[:50], cloudpickle.loads(cloudpickle.dumps(odd)), *values[51:]]
    assert digest(changed) == digest(again)
    assert digest(changed) != digest(values)
    assert digest(changed) != digest(tuple(changed))
    assert digest([*values[:-1], odd]) != digest(changed)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["ab", "c"], ["a", "bc"]),
        ([[1], 2], [1, [2]]),
        ([[], [1]], [[1], []]),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        ({"a": "b"}, {"b": "a"}),
        ([1, 2], [12]),
        ("1", b"1"),
        ({1: 2}, {"1": 2}),
        ([b"x"], ["x"]),
        ([("x",)], [(b"x",)]),
        ({1, 2}, {b"1", b"2"}),
        ([True] * 3, [1] * 3),
        ([[1, 2]] * 20, [(1, 2)] * 20),
        ([[1, 2]] * 20, [[1] * 20, [2] * 20]),
        ([{"a": 1}] * 20, [{"a": 1}] * 21),
        ([{"a": 1}] * 20, [{"b": 1}] * 20),
        ([{"a": [1]}] * 20, [{"a": (1,)}] * 20),
        ([{0: 1}] * 20, [[1]] * 20),
    ],
)
def test_the_boundaries_between_items_count(left: object, right: object) -> None:
    assert None not in (digest(left), digest(right))
    assert digest(left) != digest(right)


def test_a_digest_is_not_confused_with_the_value_that_it_represents() -> None:
    inner = digest([1])
    assert digest([[1]]) != digest([inner])
    assert digest([[1]]) != digest([(inner,)])


def test_the_order_of_keys_does_not_count() -> None:
    rows = count_up(100)
    turned = [dict(reversed(row.items())) for row in rows]
    assert digest(turned) == digest(rows)
    assert digest(turned[0]) == digest(rows[0])
    rows[50]["inner"] = {"y": (50, None), "x": 50 / 7}
    assert digest(turned) == digest(rows)
    rows[50]["inner"] = {"y": (50, None), "x": 50 / 7, "z": 0}
    assert digest(turned) != digest(rows)
    turned[50]["inner"] = {"z": 0, "y": (50, None), "x": 50 / 7}
    assert digest(turned) == digest(rows)


@pytest.mark.parametrize("change", [5, 5.0, [1], None, {"x": 1}])
@pytest.mark.parametrize("key", ["id", "inner", "new"])
def test_each_cell_of_a_table_counts(key: str, change: object) -> None:
    rows, others = count_up(100), count_up(100)
    rows[7][key] = change
    assert digest(rows) != digest(others)
    others[7][key] = change
    assert digest(rows) == digest(others)
    assert digest(dict(enumerate(rows))) == digest(dict(enumerate(others)))


def test_text_keys_that_only_look_alike_make_no_table() -> None:
    class Text(str):
        __slots__ = ()

    rows, others = ([{"a": i} for i in range(50)] for _ in range(2))
    others[3] = {Text("a"): 3}
    assert not compare(rows, others)
    assert digest(rows) != digest(others)


def test_sharing_of_objects_does_not_count() -> None:
    row = {"x": [1.0, {"y": 2}], "z": (3,)}
    shared, separate = [row] * 50, [{"x": [1.0, {"y": 2}], "z": (3,)} for _ in range(50)]
    assert digest(shared) == digest(separate)
    long = list(range(1000))
    assert digest([long, long]) == digest([long, list(range(1000))])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda part: [part, part],
        lambda part: {"a": part, "b": part},
        lambda part: frozenset({(part, 1), (part, 2)}),
        lambda part: Point(part, part),
        lambda part: [{"a": part, "b": part}] * 20,
        lambda part: [(part, part)] * 20,
    ],
    ids=["lists", "dicts", "sets", "dataclasses", "tables", "rows"],
)
def test_shared_parts_are_digested_once(wrap: Callable[[Any], Any]) -> None:
    value: Any = (1,)
    for _ in range(60):
        value = wrap(value)
    assert digest(value) is not None


def test_a_graph_of_rows_that_share_rows_is_digested_in_bounded_time() -> None:
    chance = random.Random(1)
    rows: list[Any] = [{"low": i, "high": i} for i in range(20)]
    for _ in range(100):
        rows = [{"low": chance.choice(rows), "high": chance.choice(rows)} for _ in rows]
    assert digest(rows) is not None


def test_thousands_of_nested_lists_have_a_digest() -> None:
    def nest(wrap: Callable[[object], object], leaf: object) -> object:
        for _ in range(3_000):
            leaf = wrap(leaf)
        return leaf

    for wrap in (lambda x: [x], lambda x: {"a": x}, lambda x: Bare(x=x), lambda x: Pair(x)):
        assert digest(nest(wrap, 1)) == digest(nest(wrap, 1))
        assert digest(nest(wrap, 1)) != digest(nest(wrap, 2))


def test_a_value_that_contains_itself_has_no_digest() -> None:
    ring: list[object] = [1]
    ring.append({"back": ring})
    bare = Bare()
    vars(bare)["me"] = bare
    rows: list[object] = []
    rows += [{"rows": rows}] * 20
    array = np.empty(1, object)
    array[0] = array
    assert [digest(value) for value in (ring, bare, rows, array)] == [None] * 4


def test_an_endless_object_has_no_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless:
        def __getstate__(self) -> object:
            return {"next": Endless()}

    monkeypatch.setattr(own_module, "DEPTH", 50)
    assert digest(Endless()) is None


def test_equal_keys_have_no_digest() -> None:
    assert digest({NAN: 1, float("nan"): 2}) is None
    assert digest({Bare(x=1): 1, Bare(x=1): 2}) is None
    assert digest({NAN: 1, 2: 2}) == digest({2: 2, OTHER_NAN: 1})
    assert digest({NAN, float("nan")}) == digest({OTHER_NAN, float("nan")})
    assert digest({NAN, float("nan")}) != digest({NAN})


def test_a_class_imported_twice_has_one_digest() -> None:
    assert digest(twin(Bare)(x=[1])) == digest(Bare(x=[1]))


def test_a_class_that_only_a_comparer_knows_has_no_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find(cls: type) -> Any:
        return (lambda *_: iter(())) if cls is Point else None

    assert digest([Point(1)]) is not None
    monkeypatch.setattr(walk, "FAMILIES", (find, *walk.FAMILIES))
    assert compare(Point(1), Point(2))
    assert digest([Point(1)]) is None


def test_lambdas_of_one_line_are_the_same() -> None:
    left, right, other = (lambda x: x + 1), (lambda x: x + 1), (lambda x: x + 1.0)
    assert compare(left, right)
    assert digest(left) == digest(right)
    assert not compare(left, other)
    assert digest(left) != digest(other)


def test_the_size_of_a_table_does_not_affect_equality_of_digests() -> None:
    for count in (1, own_module.ROWS - 1, own_module.ROWS, 300):
        left, right = count_up(count), count_up(count)
        assert digest(left) == digest(right)
        right[-1]["id"] = -1
        assert digest(left) != digest(right)
        assert not compare(left, right)


def test_a_class_may_define_its_module_as_a_property() -> None:
    class Odd:
        __module__ = property(lambda self: "somewhere")  # as types of Cython 3.1 do

        def __init__(self, number: int) -> None:
            self.number = number

    assert digest(Odd(1)) == digest(Odd(1)) != digest(Odd(2))
    assert digest(Odd(1)) is not None
