"""The limits on captured output: its beginning and its end are kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

#: Bytes kept of each end of a stream, characters of each end of a log: 1 MB in all.
HALF = 1 << 19

_Entry = TypeVar("_Entry")


def clipped(read: Callable[[int, int], bytes], size: int) -> str:
    """Return the text of a stream of `size` bytes, which `read(length, offset)` reads."""
    if size <= 2 * HALF:
        return read(size, 0).decode("utf-8", "replace")
    ends = (read(HALF, offset).decode("utf-8", "replace") for offset in (0, size - HALF))
    return left_out(size - 2 * HALF, "bytes").join(ends)


def left_out(count: int, what: str) -> str:
    """Return the line that replaces omitted output."""
    return f"\n[… {count:,} {what} left out …]\n"


class Text:
    """The text that one case has written to a Python stream."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._room = HALF
        self._last: deque[str] = deque()
        self._last_size = 0
        self._left_out = 0

    def write(self, text: str) -> None:
        """Append text."""
        if self._room:
            self._first.append(text[: self._room])
            text = text[self._room :]
            self._room -= len(self._first[-1])
        if text:
            self._last.append(text)
            self._last_size += len(text)
            while (excess := self._last_size - HALF) > 0:
                oldest = self._last.popleft()
                if len(oldest) > excess:
                    self._last.appendleft(oldest[excess:])
                dropped = min(excess, len(oldest))
                self._last_size -= dropped
                self._left_out += dropped

    def all(self) -> str:
        """Return the kept text."""
        between = left_out(self._left_out, "characters") if self._left_out else ""
        return "".join([*self._first, between, *self._last])


class Entries(Generic[_Entry]):
    """The records that one case has logged."""

    def __init__(self) -> None:
        self._first: list[_Entry] = []
        self._room = HALF
        self._last: deque[tuple[_Entry, int]] = deque()
        self._last_size = 0
        self._left_out = 0

    def __bool__(self) -> bool:
        return bool(self._first)

    def add(self, entry: _Entry, size: int) -> None:
        """Append an entry of `size` characters."""
        if self._room > 0:
            self._first.append(entry)
            self._room -= size
            return
        self._last.append((entry, size))
        self._last_size += size
        while self._last_size > HALF and len(self._last) > 1:
            self._last_size -= self._last.popleft()[1]
            self._left_out += 1

    def all(self) -> tuple[_Entry | str, ...]:
        """Return the kept entries, with a text in place of omitted ones."""
        between = [left_out(self._left_out, "records").strip()] if self._left_out else []
        return (*self._first, *between, *(entry for entry, _ in self._last))
