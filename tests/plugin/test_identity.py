"""Arguments whose identity a case asks for, on every backend."""

from __future__ import annotations

import pytest

from .scratch import Scratch

#: Sentinels, NaNs and values that a module holds; and what has to be a copy.
PROJECT = """
    import numpy as np
    from helping import MISSING, Outer, Value, VALUE

    BARE = object()

    class Bag:
        pass

    BAG, BAG_WITH_STATE = Bag(), Bag()
    BAG_WITH_STATE.items = []

    HELD = {
        "bare": BARE, "missing": MISSING, "inner": Outer.INNER, "value": VALUE, "nan": np.nan,
        "bag": BAG,
    }

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("name, value", HELD.items())
    def test_held(name, value):
        assert value is HELD[name]

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("name", HELD)
    @pytest.mark.parametrize("values", [HELD])
    def test_inside(name, values):
        assert values[name] is HELD[name]
        assert list(values.values()) == list(HELD.values())

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("bag, bags", [(BAG_WITH_STATE, [BAG_WITH_STATE]), (BAG, {"key": BAG})])
    @pytest.mark.parametrize("n", range(2))
    def test_arguments_that_hold_one_another(bag, bags, n):
        (held,) = bags.values() if isinstance(bags, dict) else bags
        assert held is bag

    @pytest.fixture(scope="session", params=["bare", "missing"])
    def wide(request):
        return HELD[request.param]

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_wide_fixture(n, wide):
        assert wide in (BARE, MISSING)

    def test_calls(parwork):
        assert list(parwork.map(lambda value: value is BARE, [BARE, MISSING])) == [True, False]
"""

HELPING = """
    class Marker:
        def __init__(self, name):
            self.name = name

    class Value:
        def __init__(self, text):
            self._text = text

        def __eq__(self, other):
            return self._text == other._text

        def __hash__(self):
            return hash(self._text)

    class Outer:
        INNER = object()

    MISSING = Marker("MISSING")
    VALUE = Value("a")
"""

BACKENDS = ["threads", "joblib", "processes:fork", "processes:spawn", "serial", "dask"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_sentinels_arrive_as_themselves(scratch: Scratch, backend: str) -> None:
    scratch.write("helping.py", HELPING)
    scratch.cases(PROJECT)
    ran = scratch.run_apart(f"--parwork-backend={backend}")
    assert ran.code == 0, ran.text
    assert ran.counts["passed"] == 21


#: What no module holds: on threads and in forks it is there all the same.
LOCAL = """
    class Bag:
        pass

    LOCAL = [object(), Bag(), {"deep": [object()]}]

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(3))
    @pytest.mark.parametrize("values", [LOCAL])
    def test_local(n, values):
        assert values[0] is LOCAL[0] and values[1] is LOCAL[1]
        assert values[2]["deep"][0] is LOCAL[2]["deep"][0]
        assert not vars(values[1])

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("bag", [Bag(), Bag()])
    def test_change_for_ever(bag):
        assert not vars(bag)  # the serial run as well
        bag.changed = True
"""


@pytest.mark.parametrize(
    "backend", ["threads", "processes:fork", "joblib:threading", "multiprocessing:fork"]
)
def test_objects_that_no_module_holds_are_inherited(scratch: Scratch, backend: str) -> None:
    scratch.cases(LOCAL)
    ran = scratch.run_apart(f"--parwork-backend={backend}")
    assert ran.code == 0, ran.text
    assert ran.counts["passed"] == 5


def test_the_message_names_a_copy_of_which_the_identity_was_asked(scratch: Scratch) -> None:
    scratch.cases(
        """
        ITEMS = [1]

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("items", [ITEMS, None, [2]])
        def test_is(items):
            assert items is None or items is ITEMS or items[0] == 2

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("items", [ITEMS, [1]])
        def test_equal(items):
            assert items == (ITEMS if is_here() else None)
        """
    )
    ran = scratch.run_apart("--parwork-backend=processes:fork")
    assert ran.counts == {"failed": 3, "passed": 2}
    assert (
        ran.text.count("hint     the worker had a copy of items, [1], because a case could change")
        == 1
    )


@pytest.mark.parametrize("backend", ["threads", "processes:fork", "joblib"])
def test_arrays_have_the_layout_of_the_serial_run(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        """
        import numpy as np

        def read_only(array):
            array.flags.writeable = False
            return array

        MATRIX = np.random.default_rng(0).random((300, 400))

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize(
            "array",
            [
                MATRIX[:, 7], MATRIX.T[::-2], np.broadcast_to(MATRIX[0], (5, 400)),
                read_only(np.array([1, "a"], object)), read_only(MATRIX.copy()),
                read_only(MATRIX[::3]), read_only(np.array(["2020-01-01"], "M8[D]")),
            ],
        )
        def test_layout(array):
            try:
                array[...] = array[...]
                written = True
            except ValueError as error:
                written = str(error)
            flags = [getattr(array.flags, name) for name in ("contiguous", "fnc", "behaved")]
            return array.strides, flags, written, array.ravel().tolist()
        """
    )
    ran = scratch.run_apart(f"--parwork-backend={backend}")
    assert ran.counts == {"passed": 7}, ran.text


HOLDER = """
import datetime, re
NO_VALUE = "<no value>"
NAME = "a_name"
PAIR = (NO_VALUE, 1)
LETTERS = frozenset("ab")
EPOCH = datetime.datetime(1970, 1, 1)
PATTERN = re.compile("a+b")
"""

HELD = """
import holder

NAMES = [name for name in vars(holder) if name.isupper()]

class Box:
    def __init__(self, value):
        self.value = value

def among(name):
    value = getattr(holder, name)
    return [value, {"a": (value, 1)}, Box(value)]

@pytest.mark.parametrize("name, alone, inside", [(n, among(n)[0], among(n)) for n in NAMES])
def test_it(name, alone, inside):
    expected = getattr(holder, name)
    assert alone is inside[0] is inside[1]["a"][0] is inside[2].value is expected
"""


@pytest.mark.parametrize("backend", ["threads", "processes:fork", "processes:spawn", "joblib"])
def test_immutable_values_of_built_in_types_that_a_module_holds_are_themselves(
    scratch: Scratch, backend: str
) -> None:
    scratch.write("holder.py", HOLDER)
    scratch.cases(HELD)
    session = scratch.run("--parwork-all", f"--parwork-backend={backend}", report=True)
    assert session.counts == {"passed": 6}
    assert session.run("test_it.py")["verdict"] == "EQUAL"
