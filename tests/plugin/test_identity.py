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

    BAG = Bag()
    LOCAL = {"local": object(), "bag": Bag()}   # no module holds these under a name of their own
    ITEMS = [BARE]

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
        assert values is not HELD or os.environ.get("IS_SERIAL")
        assert values[name] is HELD[name]
        assert list(values.values()) == list(HELD.values())

    @pytest.fixture(scope="session", params=["bare", "missing"])
    def wide(request):
        return HELD[request.param]

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_wide_fixture(n, wide):
        assert wide in (BARE, MISSING)

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(3))
    @pytest.mark.parametrize("items", [ITEMS])
    def test_copy(n, items):
        assert items[0] is BARE
        items.append(n)
        return items is ITEMS

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
    scratch.cases(PROJECT.replace('assert values is not HELD or os.environ.get("IS_SERIAL")', ""))
    ran = scratch.run_apart(f"--parwork-backend={backend}", "-k", "not copy")
    assert ran.code == 0, ran.text
    assert ran.counts["passed"] == 17


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
    @pytest.mark.parametrize("n", range(3))
    @pytest.mark.parametrize("bag", [LOCAL[1]])
    def test_change(n, bag):
        assert not vars(bag)
        bag.n = n
        del bag.n

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
    assert ran.counts["passed"] == 8
