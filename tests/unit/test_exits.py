"""How the exit of a process is named."""

from __future__ import annotations

import signal

import pytest

from pytest_parwork.machine.exits import exit_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0, "exit code 0"),
        (1, "exit code 1"),
        (255, "exit code 255"),
        (-1, "SIGHUP (signal 1)"),
        (-9, "SIGKILL (signal 9)"),
        (-signal.NSIG - 1, f"signal {signal.NSIG + 1}"),
    ],
)
def test_an_exit_is_named_by_its_code_or_its_signal(code: int, name: str) -> None:
    assert exit_name(code) == name
