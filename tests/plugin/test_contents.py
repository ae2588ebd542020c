"""What a case returns or raises, compared by contents on every kind of backend."""

from __future__ import annotations

import pytest

from .scratch import Scratch

DEFINITIONS = """
import collections, dataclasses, datetime, enum, types, uuid, zoneinfo
import numpy as np

class Outer: pass
Outer.Pair = collections.namedtuple("Pair", "a b")

def module(x):
    made = types.ModuleType("made")
    made.x = x
    return made

def cls(x):
    return type("Model", (), {"weights": x})

def instance(x):
    return cls(x)()

def member(x):
    return enum.Enum("Made", {"ONE": x}).ONE

def function(x):
    names = {"G": x}
    exec("F = lambda: G", names)
    return names["F"]

def attribute(x):
    def scale(): ...
    scale.by = x
    return scale

def pair(x):
    return Outer.Pair(1, x)

def slots(x):
    class Local:
        __slots__ = ("x",)
        def __init__(self):
            self.x = x
    return Local()

def record(x):
    @dataclasses.dataclass(frozen=True, slots=True)
    class Local:
        x: bool
        def show(self):
            return super().__repr__(), np, Outer
    return [Local(x)]

def zone(x):
    key = "Europe/Paris" if x else "Europe/Rome"
    return datetime.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo(key))

def fill(x):
    return {"a": np.ma.array([1.0, 2.0], mask=[1, 0], fill_value=int(x))}

def hard(x):
    return {"a": np.ma.array([1.0, 2.0], mask=[1, 0], hard_mask=x)}

def safe(x):
    return uuid.UUID(int=1, is_safe=uuid.SafeUUID(-1 if x else 0))

MAKERS = [
    module, cls, instance, member, function, attribute, pair, slots, record, zone, fill, hard, safe
]
"""

VALUES = """
@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_other(make):
    return make(is_here())

@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_same(make):
    return make(True)
"""

FAILURES = """
class Noted(ValueError):
    def __init__(self, *notes):
        super().__init__("x")
        self.__notes__ = list(notes)

def number(x):
    raise ValueError("checksum 0x%08x" % (0xDEADBEEF if x else 0xCAFEBABE))

def note(x):
    raise Noted("a", str(x))

def cause(x):
    raise ValueError("x") from KeyError(str(x))

def context(x):
    try:
        raise KeyError(x)
    except KeyError:
        raise ValueError("x")

def far(x):
    try:
        cause(x)
    except ValueError as error:
        raise ValueError("y") from error

def local(x):
    class Local(ValueError): ...
    raise Local(str(x)) from Local("z")

RAISERS = [number, note, cause, context, far, local]

@pytest.fixture
def broken():
    yield
    raise OSError("down")

@pytest.mark.xfail(raises=ValueError, strict=True)
@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("fail", RAISERS, ids=lambda fail: fail.__name__)
def test_other(fail):
    fail(is_here())

@pytest.mark.xfail(raises=ValueError, strict=True)
@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("fail", RAISERS, ids=lambda fail: fail.__name__)
def test_same(fail):
    fail(True)

@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("fail", RAISERS, ids=lambda fail: fail.__name__)
def test_torn(fail, broken):
    fail(True)

def hidden(x):
    try:
        raise KeyError(x)
    except KeyError:
        raise ValueError("x") from None

def own(x):
    error = ValueError(f"{object()}")
    error.code = x
    raise error

@pytest.mark.xfail(raises=ValueError, strict=True)
@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("fail", [hidden, own], ids=lambda fail: fail.__name__)
def test_neither(fail):
    fail(is_here())

@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("n", range(2))
def test_skip(n):
    pytest.skip(f"here: {is_here()}")
"""

UNMADE = """
class Tagged:
    def __init_subclass__(cls, *, tag):
        cls.tag = tag

@pytest.mark.parwork(backend="processes:fork", workers=2)
@pytest.mark.parametrize("n", range(2))
def test_unmade(n):
    class Local(Tagged, tag="a"): ...
    return Local()
"""

on_every_kind_of_backend = pytest.mark.parametrize(
    "backend", ["threads", "processes:fork", "joblib", "isolated:fork"]
)


@on_every_kind_of_backend
def test_values_are_compared_by_contents(scratch: Scratch, backend: str) -> None:
    scratch.cases(DEFINITIONS + VALUES)
    session = scratch.run(f"--parwork-backend={backend}", report=True)
    assert set(session.verdicts("test_it.py::test_other").values()) == {"DIFFERENT"}
    assert set(session.verdicts("test_it.py::test_same").values()) == {"EQUAL"}
    assert session.counts == {"failed": 13, "passed": 13}


@on_every_kind_of_backend
def test_failures_are_compared_with_their_notes_and_chains(scratch: Scratch, backend: str) -> None:
    scratch.cases(FAILURES)
    session = scratch.run(f"--parwork-backend={backend}", report=True)
    for name in ("test_same", "test_torn", "test_neither", "test_skip"):
        assert set(session.verdicts(f"test_it.py::{name}").values()) == {"EQUAL"}, name
    assert set(session.verdicts("test_it.py::test_other").values()) == {"DIFFERENT"}
    (note, _) = session.run("test_it.py::test_skip")["notes"]
    assert note["kind"] == "skip-reason"
    assert note["text"] == "skipped for the reason 'here: False', expected 'here: True'"


def test_a_class_that_cannot_be_sent_by_value_is_named_with_the_remedy(scratch: Scratch) -> None:
    scratch.cases(UNMADE)
    text = " ".join(scratch.run().out.split())
    assert "(in the class Local, sent by value: define it at module level)" in text
