"""A second Ctrl-C, at any moment after the first: the report is whole, and nothing is left."""

from __future__ import annotations

import os
import signal

import pytest

from pytest_parwork.machine import interrupts
from pytest_parwork.machine.interrupts import Deferral
from pytest_parwork.plugin.session.termination import Termination

from .scratch import Scratch
from .test_interrupts import PARTIAL, hanging, nothing_is_left

#: A backend `threads` whose parts interrupt the session where a test wants it.
INTERRUPTING = """
    import os, signal, time
    from pytest_parwork.backends import bundled

    def interrupt(moment):
        if moment == "{moment}" and os.path.exists("ready"):
            os.unlink("ready")
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10 if moment.startswith("closing") else 0)

    class Workers:
        def __init__(self, inner):
            self._inner = inner

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def close(self, deadline, /):
            interrupt("closing workers")
            return self._inner.close(deadline)

    class Backend:
        reach = "process"

        def __init__(self, inner):
            self._inner = inner

        def start(self, workers, /):
            return Workers(self._inner.start(workers))

        def close(self):
            interrupt("closing the backend")
            self._inner.close()

    def pytest_parwork_backends(config):
        return {{"mine": Backend(bundled()["threads"])}}

    def pytest_keyboard_interrupt():
        interrupt("describing")

    def pytest_sessionfinish():
        interrupt("finishing")

    def pytest_parwork_logreport():
        interrupt("reporting")
    """


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("closing workers", 2),
        ("describing", 2),
        ("reporting", 2),
        ("finishing", -signal.SIGINT),
        ("closing the backend", 2),
    ],
)
def test_the_report_has_all_results(scratch: Scratch, moment: str, code: int) -> None:
    scratch.write("conftest.py", INTERRUPTING.format(moment=moment))
    apart = hanging(scratch, "mine")
    (scratch.path / "ready").touch()
    apart.send(signal.SIGINT)
    session = apart.finish()
    nothing_is_left(apart)
    assert not (scratch.path / "ready").exists()
    assert session.code == code
    cases = session.run("test_it.py::test_it")["cases"]
    assert {case["id"][-2]: case["verdict"] for case in cases} == PARTIAL


def test_deferred_ctrl_c_comes_at_the_end_and_a_second_one_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interrupts, "SAME", -1.0)
    deferral = Deferral()
    deferral.begin()
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        deferral.end()
    deferral.end()
    deferral.begin()
    os.kill(os.getpid(), signal.SIGINT)
    deferral.end(is_known=True)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_comes_twice_within_a_moment_is_one_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """timeout(1) sends its signal to the process, and once more to its group."""
    monkeypatch.setattr(interrupts, "SAME", 60.0)
    deferral = Deferral()
    deferral.begin()
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        deferral.end()


def test_a_second_sigterm_within_a_moment_does_not_end_pytest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = []
    termination = Termination()
    try:
        monkeypatch.setattr("pytest_parwork.plugin.session.termination.SAME", 60.0)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        monkeypatch.setattr("pytest_parwork.plugin.session.termination.SAME", -1.0)
        with monkeypatch.context() as patched:
            patched.setattr("os.kill", lambda *words: sent.append(words))
            signal.raise_signal(signal.SIGTERM)
        assert sent == [(os.getpid(), signal.SIGTERM)]
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        termination.close()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_the_handler_of_somebody_else_is_not_replaced() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        deferral = Deferral()
        deferral.begin()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        deferral.end()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
