"""Both sides of a comparison are taken when the body returns, whatever fixtures do afterwards."""

from __future__ import annotations

import pytest

from .scratch import Scratch, slow

#: Each value is filled by the body, and its fixture then makes all such values alike.
CASES = """
import numpy as np
import pandas as pd

class Own:
    def __init__(self):
        self.items = []

KINDS = {
    "list": list,
    "bytearray": bytearray,
    "own": Own,
    "small": lambda: np.zeros(2),
    "array": lambda: np.zeros(20_000),
    "frame": lambda: pd.DataFrame({"a": np.zeros(20_000)}),
}

def fill(value, by):
    if isinstance(value, (list, bytearray)):
        value.append(by)
    elif isinstance(value, Own):
        value.items.append(by)
    elif isinstance(value, pd.DataFrame):
        value.iloc[0, 0] = by
    else:
        value[0] = by
    return value

def level(value):
    if isinstance(value, (list, bytearray)):
        value.clear()
    elif isinstance(value, Own):
        value.items.clear()
    elif isinstance(value, pd.DataFrame):
        value["a"] = 7.0
    else:
        value[:] = 7

@pytest.fixture
def made(kind, tmp_path):
    if kind == "memmap":
        value = np.memmap(tmp_path / "file", dtype="f8", mode="w+", shape=(20_000,))
    else:
        value = KINDS[kind]()
    yield value
    level(value)
    if kind == "memmap":
        os.truncate(tmp_path / "file", 0)  # reading it would now end the process

@pytest.fixture(autouse=True)
def shared(request):
    value = []
    request.instance and setattr(request.instance, "shared", value)
    yield
    value.clear()

ALL = pytest.mark.parametrize("kind", [*KINDS, "memmap"])
TWO = pytest.mark.parametrize("n", [0, 1])

@ALL
def test_equal(kind, made):
    return fill(made, 1)

@ALL
def test_different(kind, made):
    return fill(made, 1 if is_here() else 2)

class TestClass:
    def setup_method(self):
        self.own = []

    def teardown_method(self):
        self.own.clear()

    @TWO
    def test_equal(self, n):
        return fill(self.own, 1), fill(self.shared, 1)

    @TWO
    def test_different(self, n):
        return fill(self.own, 1 if is_here() else 2)

    @TWO
    def test_autouse_differs(self, n):
        return fill(self.shared, 1 if is_here() else 2)
"""


@pytest.mark.parametrize(
    "backend", ["processes:fork", *map(slow, ["threads", "isolated:fork", "joblib", "dask"])]
)
def test_tear_downs_change_no_side_of_a_comparison(scratch: Scratch, backend: str) -> None:
    scratch.cases(f"pytestmark = pytest.mark.parwork(backend={backend!r}, workers=2)\n{CASES}")
    session = scratch.run_apart(report=True)
    for run in session.report["runs"]:
        assert run["verdict"] == ("DIFFERENT" if "differ" in run["id"] else "EQUAL"), session.text
    assert session.counts == {"passed": 9, "failed": 11}, session.text


def test_a_later_case_changes_no_reference_that_other_configurations_use(scratch: Scratch) -> None:
    scratch.cases(
        """
        KEPT = []

        @pytest.mark.parwork(backend=["processes:fork", "multiprocessing:fork"], workers=2)
        @pytest.mark.parametrize("n", [0, 1, 2])
        def test_it(n):
            KEPT[:] = [n]
            return KEPT
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 6}, session.text


@pytest.mark.parametrize("backend", ["processes:fork", slow("joblib"), slow("processes:spawn")])
def test_without_a_serial_run_the_class_of_an_exception_is_known_that_cannot_be_pickled(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        class Error(Exception):
            args = ["no tuple"]

        class OddError(Exception):
            def __init__(self, one, two):
                self.one = one
            def __str__(self):
                return f"has {{self.one}}"

        class Outer:
            class Error(Exception):
                def __reduce__(self):
                    raise TypeError("cannot be pickled")

        def fail(n):
            raise (Error("text"), OddError(1, 2), Outer.Error("text"))[n]

        fan_out = pytest.mark.parwork(backend={backend!r}, workers=2, verify=0)

        @pytest.mark.xfail(raises=(Error, Outer.Error), strict=True)
        @fan_out
        @pytest.mark.parametrize("n", [0, 2])
        def test_expected(n): fail(n)

        @fan_out
        @pytest.mark.parametrize("n", range(3))
        def test_fails(n): fail(n)

        def test_calls(parwork):
            with pytest.raises(Error, match="^text$"):
                parwork.map(fail, [0], backend={backend!r}, workers=2, verify=0)
        """
    )
    session = scratch.run()
    assert session.counts == {"xfailed": 2, "failed": 3, "passed": 1}
    first, odd, nested = session.summary
    assert first.endswith("- test_it.Error: text")
    assert "OddError: has 1" in odd
    assert nested.endswith("Error: text")
