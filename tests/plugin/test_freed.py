"""What a case has used is freed when it would be in plain pytest, not by the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from pytest_parwork.plugin.cases.bodies import Body
from pytest_parwork.plugin.cases.testcases import WholeCall
from pytest_parwork.plugin.running.repeats import CaseTasks
from pytest_parwork.worker.capture.mishaps import Noticed

from .scratch import Scratch

CASES = """
    from things import Thing

    @pytest.fixture(scope="module")
    def wide():
        return Thing()

    @pytest.fixture
    def narrow():
        return Thing()

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_it(wide, narrow, n):
        return n
    """

#: Two modules of it, and a test after each that counts the objects of the tests before it.
THINGS = """
    import weakref

    class Thing:
        alive = weakref.WeakSet()

        def __init__(self):
            Thing.alive.add(self)
    """

COUNTING = """
    from things import Thing

    def test_nothing_is_left():
        assert len(Thing.alive) == 0
    """


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("backend", ["threads", "processes:fork"])
@pytest.mark.usefixtures("no_collector")
def test_nothing_of_a_case_waits_for_the_garbage_collector(scratch: Scratch, backend: str) -> None:
    scratch.write("things.py", THINGS)
    scratch.cases(CASES.format(backend=backend), "test_a.py")
    scratch.write("test_b.py", COUNTING)
    session = scratch.run()
    assert session.counts == {"passed": 4}
    assert not [one for one in gc.get_objects() if type(one) in (Body, Noticed)]


METHODS = """
    import unittest

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    class TestUnits(unittest.TestCase):
        def test_one(self): pass
        def test_two(self): pass

    @pytest.mark.parwork(backend={backend!r}, workers=2, repeat=3)
    @pytest.mark.parametrize("n", range(2))
    def test_repeated(n):
        return n
    """


@pytest.mark.parametrize("backend", ["processes:fork", "threads"])
@pytest.mark.usefixtures("no_collector")
def test_nor_does_a_method_of_unittest_or_a_case_that_is_repeated(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(METHODS.format(backend=backend))
    assert scratch.run().counts == {"passed": 4}
    kinds = (WholeCall, CaseTasks, Noticed)
    assert not [one for one in gc.get_objects() if type(one) in kinds]
