"""Outcomes in the spools of a run, loaded when they are asked for."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..machine.deadline import TimedOut
from ..machine.system import os
from ..model.outcome import Failure, NotSent
from ..model.output import Output
from ..transport.failures import describe, revived
from ..transport.files import Files
from ..transport.ledger import Kind, Ledger
from ..transport.pickling import name_class_by_value
from ..transport.records import (
    IN_BAND,
    WORTH_RELEASING,
    is_in_band,
    length_at,
    read_record,
    release_region,
)

if TYPE_CHECKING:
    from ..worker.threads import Given

#: The opcode with which a pickle names a function or a class.
NAMING = pickle.STACK_GLOBAL

#: Records of more bytes are not searched for that opcode: assuming that they have it costs less.
WORTH_SEARCHING = 1 << 12

#: The length of a record of None, which most tests return; no value with parts has a shorter one.
PLAIN_LENGTH = IN_BAND.size + len(pickle.dumps(None, protocol=5))


class Spooled:
    """Outcomes in files: `spools` are their descriptors.

    `left` is the output of lost tasks, by task; that of others follows their outcomes.
    """

    def __init__(
        self,
        ledger: Ledger,
        spools: Sequence[int],
        files: Files,
        *,
        left: Mapping[int, Output] | None = None,
    ) -> None:
        self.ledger = ledger
        self._spools = spools
        self._files = files
        self._left = left or {}

    def kind(self, task: int) -> Kind:
        """Return the kind of an outcome."""
        return self.ledger.place(task)[0]

    def load(self, task: int) -> Given:
        """Load an outcome separately, so that one that fails does not affect others."""
        kind, spool, offset, length = self.ledger.place(task)
        if not length and (code := self.ledger.unstored(task)) is not None:
            return _unsent(f"the result cannot be stored for pytest: {os.strerror(code)}")
        try:
            loaded = read_record(self._spools[spool], offset, length)
        except (KeyboardInterrupt, TimedOut):
            raise
        except BaseException as inner:  # loading may raise anything, even SystemExit
            text = f"{type(inner).__name__}: {describe(inner).text}"
            if name := name_class_by_value(inner):
                text += f" (in the class {name}, sent by value: define it at module level)"
            return _unsent(f"the result came back but cannot be unpickled: {text}")
        if kind in ("value", "not_sent"):
            return kind, loaded, None
        assert isinstance(loaded, tuple)
        failure, data = loaded
        assert isinstance(failure, Failure)
        return kind, None, replace(failure, exception=revived(data))

    def may_run_code(self, task: int) -> bool:
        """Return whether loading an outcome may run code of its classes.

        A pickle of plain data names nothing to import.
        """
        _, spool, offset, length = self.ledger.place(task)
        if length > WORTH_SEARCHING:
            return True
        return NAMING in os.pread(self._spools[spool], length, offset)

    def has_parts(self, task: int) -> bool:
        """Return whether an outcome may be more than a plain value, by the length of its record."""
        kind, _, _, length = self.ledger.place(task)
        return kind != "value" or length > PLAIN_LENGTH

    def output(self, task: int) -> Output | None:
        """Load what a task has printed, logged and warned."""
        if not self.ledger.has_output(task):
            return None
        _, spool, offset, length = self.ledger.place(task)
        fd, offset = self._spools[spool], offset + length
        plain = read_record(fd, offset, length_at(fd, offset))
        assert isinstance(plain, tuple)
        return Output.of(plain)

    def output_of_lost(self, task: int) -> Output | None:
        """Return the output of a process that died with the task."""
        return self._left.get(task)

    def note_loaded(self, task: int) -> None:
        """Free the file's memory of an outcome without buffers."""
        _, spool, offset, length = self.ledger.place(task)
        if length >= WORTH_RELEASING and is_in_band(self._spools[spool], offset):
            release_region(self._spools[spool], offset, length)

    def free(self, task: int) -> None:
        """Free the file's memory of an outcome, and of its output."""
        _, spool, offset, length = self.ledger.place(task)
        if self.ledger.has_output(task):
            length += length_at(self._spools[spool], offset + length)
        release_region(self._spools[spool], offset, length)

    def close(self) -> None:
        """Remove the files."""
        self._files.close()
        self.ledger.close()


def _unsent(detail: str) -> Given:
    return "not_sent", NotSent(reason="result", detail=detail), None
