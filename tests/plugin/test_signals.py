"""Signals that a case sends to itself have the same effect in a worker as serially."""

from __future__ import annotations

import pytest

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
