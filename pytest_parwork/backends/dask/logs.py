"""The logs of dask, which are silenced; only the exit codes of worker processes are read."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from ...machine.clock import now

#: The logger of the processes that start workers.
NANNIES = "distributed.nanny"


class Hush:
    """Keep what dask logs of clusters in use out of the reports of failed tests."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}
        self._users = 0

    def begin(self) -> None:
        """Silence the loggers from now on."""
        self._users += 1
        if self._users == 1:
            # Not before dask is used: pytest visits every existing logger six times per test.
            for name in ("distributed", "distributed.client"):
                self._before[name] = logging.getLogger(name).level
                logging.getLogger(name).setLevel(logging.CRITICAL)

    def end(self) -> None:
        """Log as before, unless another cluster needs silence."""
        self._users -= 1
        if not self._users:
            for name, level in self._before.items():
                logging.getLogger(name).setLevel(level)


class Nannies(logging.Handler):
    """The exit codes of worker processes, read from the nannies' log, their only source."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[int, int | None] = {}
        self.last = 0.0
        self._before = (logging.NOTSET, True)

    def listen(self) -> None:
        """Take over the nannies' log, until `stop`."""
        logger = logging.getLogger(NANNIES)
        self._before = (logger.level, logger.propagate)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(self)

    def stop(self) -> None:
        """Restore the log as it was."""
        logger = logging.getLogger(NANNIES)
        logger.removeHandler(self)
        level, logger.propagate = self._before
        logger.setLevel(level)
        self.codes.clear()

    def emit(self, record: logging.LogRecord) -> None:
        """Note an exit code."""
        codes = exit_code_in(record.getMessage())
        if codes:
            self.note(codes)

    def note(self, codes: Mapping[int, int]) -> None:
        """Note exit codes by process id."""
        self.codes.update(codes)
        self.last = now()


def exit_code_in(line: str) -> dict[int, int]:
    """Return process id and exit code, if the line of a nanny's log contains them."""
    # dask takes the code 255 for an unknown signal; but a process that it spawned can only have
    # returned that code itself.
    line = line.replace("was killed by unknown signal", "exited with status 255")
    found = re.search(r"Worker process (\d+) (was killed by signal|exited with status) (\d+)", line)
    if not found:
        return {}
    return {int(found[1]): int(found[3]) * (-1 if "killed" in found[2] else 1)}
