"""A time limit on code in the main thread, and other users of SIGALRM."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from pytest_parwork.machine.deadline import Shared, TimedOut, deadline, pausing_alarm


def spins() -> None:
    while True:
        pass


def sleeps() -> None:
    time.sleep(1000)


def catches_exceptions() -> None:
    while True:
        with suppress(Exception):
            spins()


def catches_all() -> None:
    while True:
        try:  # noqa: SIM105
            time.sleep(0.01)
        except BaseException:
            pass


def suppresses_all() -> None:
    while True:
        with suppress(BaseException):
            time.sleep(0.01)


def catches_all_while_it_handles() -> None:
    try:
        catches_all()
    finally:
        catches_all()


@pytest.mark.parametrize(
    "function",
    [
        spins,
        sleeps,
        catches_exceptions,
        catches_all,
        suppresses_all,
        catches_all_while_it_handles,
    ],
)
def test_python_code_cannot_run_for_ever(function: Callable[[], None]) -> None:
    with pytest.raises(TimedOut), deadline(0.05):
        function()
    assert sys.exc_info() == (None, None, None)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


class Undeletable:
    def __del__(self) -> None:
        spins()


def converts_it() -> None:
    try:
        spins()
    except BaseException:
        raise ValueError("mine") from None


def swallows_it() -> None:
    with suppress(BaseException):
        spins()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("function", [swallows_it, converts_it, Undeletable])
def test_code_that_catches_it_is_reported_at_the_end(function: Callable[[], object]) -> None:
    with pytest.raises(TimedOut), deadline(0.05):
        function()


def test_code_that_ends_in_time_is_not_reported() -> None:
    with deadline(10):
        pass
    with pytest.raises(ValueError, match="mine"), deadline(10):
        raise ValueError("mine")


def test_an_inner_deadline_may_end_before_the_outer_one() -> None:
    with deadline(10), pytest.raises(TimedOut), deadline(0.05):
        spins()
    with pytest.raises(TimedOut), deadline(0.05), deadline(10):
        spins()


def test_a_c_function_is_interrupted_as_well() -> None:
    with pytest.raises(TimedOut), deadline(0.05):
        time.sleep(1000)


def test_no_alarm_is_left_afterwards() -> None:
    for _ in range(2000):
        with suppress(TimedOut), deadline(1e-5):
            pass
    time.sleep(0.02)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


class TestAnAlarmOfSomebodyElse:
    @pytest.fixture
    def rung(self) -> Iterator[list[str]]:
        rung: list[str] = []

        def ring(_signum: int, _frame: FrameType | None) -> Any:
            rung.append("theirs")

        signal.signal(signal.SIGALRM, ring)
        yield rung
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def test_it_is_still_set_afterwards(self, rung: list[str]) -> None:
        handler = signal.getsignal(signal.SIGALRM)
        signal.setitimer(signal.ITIMER_REAL, 1000, 500)
        with pytest.raises(TimedOut), deadline(0.05):
            spins()
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left < 1000
        assert interval == 500
        assert signal.getsignal(signal.SIGALRM) is handler
        assert rung == []

    def test_it_rings_inside_if_it_is_due_first(self, rung: list[str]) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with deadline(1000):
            while not rung:
                time.sleep(0.01)
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)

    def test_ours_rings_after_it(self, rung: list[str]) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(TimedOut), deadline(0.1):
            spins()
        assert rung == ["theirs"]

    def test_a_repeating_one_keeps_repeating(self, rung: list[str]) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        with deadline(1000):
            while len(rung) < 3:
                time.sleep(0.01)
        assert signal.getitimer(signal.ITIMER_REAL)[1] == pytest.approx(0.01)


class TestAStoppedProcess:
    """It continues with SIGALRM and SIGCONT pending; Python handles the former first."""

    def late(self, *, is_stopped: bool) -> str:
        """Return to Python long after the limit, in a process without other threads.

        One of these, as pytest-xdist has, would be given the signals that this one blocks.
        """
        child = os.fork()
        if not child:
            os._exit(self._late(is_stopped=is_stopped))
        return ("in time", "timed out")[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]

    def _late(self, *, is_stopped: bool) -> int:
        both = {signal.SIGALRM, signal.SIGCONT}
        try:
            with deadline(0.2):
                signal.pthread_sigmask(signal.SIG_BLOCK, both)
                time.sleep(0.5)
                if is_stopped:
                    signal.pthread_kill(threading.get_ident(), signal.SIGCONT)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
        except TimedOut:
            return 1
        return 0

    def test_its_time_does_not_count(self) -> None:
        assert self.late(is_stopped=True) == "in time"

    def test_the_time_of_code_that_does_not_return_to_python_counts(self) -> None:
        assert self.late(is_stopped=False) == "timed out"

    def test_the_limit_starts_again(self) -> None:
        def continued() -> None:
            with deadline(0.2):
                signal.raise_signal(signal.SIGCONT)
                sleeps()

        with pytest.raises(TimedOut):
            continued()

    def test_another_handler_of_sigcont_is_called(self) -> None:
        got: list[str] = []
        before = signal.signal(signal.SIGCONT, lambda *_: got.append("continued"))
        try:
            with deadline(10):
                signal.raise_signal(signal.SIGCONT)
            signal.raise_signal(signal.SIGCONT)
        finally:
            signal.signal(signal.SIGCONT, before)
        assert got == ["continued", "continued"]


def test_an_alarm_of_others_is_paused_and_goes_on_afterwards() -> None:
    rang: list[str] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append("rang"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pausing_alarm():
            time.sleep(0.1)
            assert rang == []
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= 0.05
        assert interval == 0
        signal.pause()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rang == ["rang"]


def test_without_an_alarm_none_is_set() -> None:
    with pausing_alarm():
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


class TestASharedLimit:
    @staticmethod
    def of(seconds: float) -> Shared:
        made = Shared.of(seconds)
        assert made is not None
        return made

    def test_a_block_has_what_the_others_have_left(self) -> None:
        limit = self.of(10)
        assert limit.left == 10
        limit.use(4)
        assert limit.left == 6
        assert not limit.is_used_up

    def test_a_block_has_a_tenth_even_if_nothing_is_left(self) -> None:
        limit = self.of(10)
        limit.use(10)
        assert limit.is_used_up
        assert limit.left == 1

    def test_blocks_that_never_return_end_together_little_after_it(self) -> None:
        limit, ran = self.of(1.0), list[float]()
        for _ in range(3):
            began = time.perf_counter()
            with pytest.raises(TimedOut), deadline(limit):
                sleeps()
            ran.append(time.perf_counter() - began)
        assert ran[0] >= 1
        assert max(ran[1:]) < ran[0] / 2

    def test_a_block_that_returns_leaves_the_rest(self) -> None:
        limit = self.of(1000)
        with deadline(limit):
            time.sleep(0.01)
        assert 999 < limit.left < 1000
        assert f"{limit:g}" == "1000"

    def test_none_is_no_limit(self) -> None:
        assert Shared.of(None) is None


class Broken:
    def __del__(self) -> None:
        raise ValueError("mine")


def deletes_two() -> None:
    Undeletable()
    Undeletable()


def deletes_another_late() -> None:
    with suppress(TimedOut):
        sleeps()
    Broken()


def test_what_is_raised_at_the_end_is_not_reported_as_what_a_deletion_cannot_raise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[type[BaseException] | None] = []

    def report(given: sys.UnraisableHookArgs) -> None:
        reported.append(given.exc_type)

    monkeypatch.setattr(sys, "unraisablehook", report)
    with pytest.raises(TimedOut), deadline(0.05):
        deletes_two()
    assert reported == []
    assert sys.unraisablehook is report
    with deadline(10):
        Broken()
    with pytest.raises(TimedOut), deadline(0.05):
        deletes_another_late()
    assert reported == [ValueError, ValueError]
