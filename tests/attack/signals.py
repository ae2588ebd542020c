"""Signals to pytest, its workers and whatever it starts, at seeded moments."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .processes import command_line, descendants, is_living

__all__ = ["FATAL", "Sender", "Shot", "at_pytest", "at_workers"]

Target = Literal["pytest", "group", "worker", "child"]

#: Signals that kill a process without a handler for them.
FATAL = (
    signal.SIGKILL,
    signal.SIGTERM,
    signal.SIGSEGV,
    signal.SIGABRT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGBUS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One signal: `at` seconds after the start of the command, or as soon as there is a target.

    `pytest` is only its own process, `group` all processes that Ctrl-C in a terminal reaches,
    `worker` a living process that has run a case, `child` any process that pytest has started.
    `pick` chooses among several.
    """

    at: float
    to: Target
    number: int
    pick: float = 0.0


class Sender:
    """Sends shots when they are due; `hits` describes what they have hit, `last` is the time."""

    def __init__(self, shots: Sequence[Shot], pid: int, folder: Path, began: float) -> None:
        self._waiting = sorted(shots, key=lambda shot: shot.at)
        self._pid = pid
        self._folder = folder
        self._began = began
        self.hits: list[str] = []
        self.last = 0.0

    def look(self) -> None:
        """Send the shots that are due."""
        at = time.monotonic() - self._began
        while self._waiting and self._waiting[0].at <= at:
            shot = self._waiting[0]
            targets = self._targets(shot.to)
            if not targets:
                return
            del self._waiting[0]
            target = targets[int(shot.pick * len(targets))]
            name = signal.Signals(shot.number).name
            with suppress(ProcessLookupError):
                send = os.killpg if shot.to == "group" else os.kill
                line = command_line(target)
                send(target, shot.number)
                self.last = at
                self.hits.append(f"{at:.2f} s: {name} to {shot.to} {target} {line}")

    def _targets(self, to: Target) -> list[int]:
        if to in ("pytest", "group"):
            return [self._pid]
        below = descendants(self._pid)
        if to == "child":
            return below
        noted = [int(path.name[4:]) for path in self._folder.glob("pid-*")]
        return sorted(pid for pid in noted if pid != self._pid and is_living(pid))


def at_workers(seed: random.Random, seconds: float, count: int) -> list[Shot]:
    """Return signals to random workers, spread over so many seconds."""
    return [
        Shot(
            at=seed.uniform(0, seconds),
            to="worker",
            number=seed.choice(FATAL),
            pick=seed.random(),
        )
        for _ in range(count)
    ]


def at_pytest(seed: random.Random, seconds: float, numbers: Sequence[int]) -> list[Shot]:
    """Return signals to pytest: the first at a random moment, the others shortly after."""
    at = seed.uniform(0, seconds)
    to: Target = "group" if numbers[0] == signal.SIGINT else "pytest"
    shots = []
    for number in numbers:
        shots.append(Shot(at=at, to=to, number=int(number)))
        at += seed.uniform(0.05, 0.6)
    return shots
