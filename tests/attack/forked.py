"""A session that is forked, in place of a program that is started."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence

from support.warm import run

__all__ = ["ForkedSession"]

#: Bytes of the longest command.
LONGEST = 50_000

#: Signals for which the process that forks may have handlers.
HANDLED = (signal.SIGTERM, signal.SIGINT)


class ForkedSession:
    """A child of this process that waits for its command: `python -m` with some words.

    So it is forked before this process starts threads. `pid` is 0 in the child.
    """

    def __init__(self) -> None:
        self._asked, self._ask = os.pipe()
        self._begun, self._begin = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)  # until the child has its own handlers
        self.pid = os.fork()
        if self.pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
            os.close(self._asked)
            os.close(self._begin)

    def begin(self, words: Sequence[str]) -> None:
        """Let the child begin; return when its process is as that of a new program."""
        os.write(self._ask, json.dumps(words).encode())
        os.close(self._ask)
        os.read(self._begun, 1)  # the child closes all descriptors
        os.close(self._begun)

    def become(
        self,
        *,
        folder: str,
        environment: Mapping[str, str],
        output: str,
        prepare: Callable[[], None],
    ) -> None:
        """In the child, run the command, and exit with it."""
        os.close(self._ask)
        asked = os.read(self._asked, LONGEST)
        if not asked:
            os._exit(1)  # the parent has ended
        words: list[str] = json.loads(asked)
        assert words[1] == "-m", words
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        prepare()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        there = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        stdin = os.open(os.devnull, os.O_RDONLY)
        run("-m", words[2:], folder, environment, [stdin, there, there])
