"""Signals that a case sends to itself have the same effect in a worker as serially."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_parwork.plugin.messages.hints import Hints

from .scratch import Scratch

CASES = """
    import os
    import signal
    import time

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_raised(n):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return n

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_sent(n, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        return n

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_handled(n):
        seen = []
        before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            signal.signal(signal.SIGINT, before)
        return seen, before is signal.default_int_handler
"""


@pytest.mark.parametrize(
    "backend",
    [
        *("processes:fork", "joblib", "serial"),
        *(
            pytest.param(name, marks=pytest.mark.sweep)
            for name in (
                *("processes:spawn", "multiprocessing:fork", "multiprocessing:imap_unordered"),
                *("isolated:fork", "isolated:spawn", "joblib:multiprocessing"),
            )
        ),
    ],
)
def test_a_case_may_interrupt_itself(scratch: Scratch, backend: str) -> None:
    scratch.cases(CASES.format(backend=backend))
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 9}
    for run in session.report["runs"]:
        assert {case["verdict"] for case in run["cases"]} == {"EQUAL"}


@pytest.mark.parametrize("backend", ["threads", "joblib:threading"])
def test_threads_run_no_case_that_sends_a_signal_to_itself(scratch: Scratch, backend: str) -> None:
    """The main thread would receive it, and end the session."""
    scratch.cases(CASES.format(backend=backend))
    session = scratch.run_apart()
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert "the main thread would receive it, and end the session" in session.text
    plain = CASES.replace("@pytest.mark.parwork(backend={backend!r}, workers=2)", "")
    scratch.cases(plain.replace("return n", "pass").replace("return seen, ", "assert seen and "))
    session = scratch.run_apart("--parwork-all", f"--parwork-backend={backend}", report=True)
    assert session.counts == {"passed": 9}
    reasons = {each["reason"] for each in session.report["plain"]}
    assert len(session.report["plain"]) == 9
    assert reasons == {"signal.raise_signal on threads", "signal.signal on threads"}


@pytest.mark.sweep
def test_a_case_on_dask_gets_no_signal_and_the_message_says_so(scratch: Scratch) -> None:
    scratch.cases(
        """
    import signal

    @pytest.mark.parwork(backend="dask", workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_raised(n):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return n
    """
    )
    session = scratch.run_apart()
    assert session.counts == {"failed": 2}
    text = " ".join(session.text.split())
    assert text.count("a signal reaches the main thread of its process") == 1


def raises_a_signal() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_signal_is_the_reason_on_dask_alone() -> None:
    def hint(backend: str, function: Callable[..., object]) -> str:
        case: Any = SimpleNamespace(
            sent=SimpleNamespace(run=SimpleNamespace(facts=SimpleNamespace(start_method="fork"))),
            plan=SimpleNamespace(configuration=SimpleNamespace(backend=backend)),
            item=SimpleNamespace(function=function),
        )
        unused: Any = None
        return Hints().of(case, unused, unused)

    for backend in ("dask", "dask:tcp://host:8786"):
        assert "a signal reaches the main thread of its process" in hint(backend, raises_a_signal)
    assert hint("processes:fork", raises_a_signal) == ""
    assert hint("dask", test_a_signal_is_the_reason_on_dask_alone) == ""
