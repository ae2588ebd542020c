"""Time in which pytest was stopped counts against nobody."""

from __future__ import annotations

import signal
import time

import pytest

from pytest_parwork.machine.clock import now
from pytest_parwork.runner.suspension import Suspension


def test_what_passes_between_a_look_and_sigcont_is_known() -> None:
    suspension = Suspension()
    with suspension.noted():
        suspension.look()
        began = now()
        time.sleep(0.2)
        signal.raise_signal(signal.SIGCONT)
        assert suspension.since(began) == pytest.approx(0.2, abs=0.15)
        assert suspension.since(began + 0.1) == pytest.approx(suspension.since(began) - 0.1)
        assert suspension.since(now()) == 0


def test_a_look_that_comes_late_is_no_sign() -> None:
    suspension = Suspension()
    with suspension.noted():
        began = now()
        suspension.look()
        time.sleep(0.2)
        suspension.look()
        assert suspension.since(began) == 0


def test_who_else_waits_for_sigcont_gets_it() -> None:
    got: list[str] = []
    before = signal.signal(signal.SIGCONT, lambda *_: got.append("continued"))
    try:
        with Suspension().noted():
            signal.raise_signal(signal.SIGCONT)
        signal.raise_signal(signal.SIGCONT)
    finally:
        signal.signal(signal.SIGCONT, before)
    assert got == ["continued", "continued"]


def test_the_handler_is_as_before_afterwards() -> None:
    with Suspension().noted():
        pass
    assert signal.getsignal(signal.SIGCONT) is signal.SIG_DFL
