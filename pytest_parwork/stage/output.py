"""What stands in for `capsys` and `capfd` where a case runs."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

__all__ = ["Capture", "capfd", "capsys"]


class Capture:
    """Takes what is printed from its start to its end, `disabled()` left out.

    `result` makes what `readouterr` returns of both texts: the class that pytest has for it.
    """

    def __init__(
        self, streams: list[_Stream], result: Callable[[Any, Any], object], *, is_binary: bool
    ) -> None:
        self._streams = streams
        self._result = result
        self._is_binary = is_binary

    def readouterr(self) -> Any:
        """Return what was printed since the last time, as `(out, err)`."""
        out, err = (stream.read() for stream in self._streams)
        if self._is_binary:
            return self._result(out, err)
        return self._result(out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Let pass what is printed inside."""
        for stream in self._streams:
            stream.suspend()
        try:
            yield
        finally:
            for stream in self._streams:
                stream.resume()


def capsys(*, result: Callable[[Any, Any], object], is_binary: bool = False) -> Iterator[Capture]:
    """Take what goes to `sys.stdout` and `sys.stderr`."""
    return _taken([_Stream("stdout"), _Stream("stderr")], result, is_binary)


def capfd(*, result: Callable[[Any, Any], object], is_binary: bool = False) -> Iterator[Capture]:
    """Take what goes to the descriptors 1 and 2."""
    return _taken([_Descriptor("stdout", 1), _Descriptor("stderr", 2)], result, is_binary)


def _taken(
    streams: list[_Stream], result: Callable[[Any, Any], object], is_binary: bool
) -> Iterator[Capture]:
    for stream in streams:
        stream.resume()
    try:
        yield Capture(streams, result, is_binary=is_binary)
    finally:
        for stream in streams:
            rest = stream.read()
            stream.suspend()
            stream.pass_on(rest)
            stream.close()


class _Stream:
    """One of the two streams, replaced by a file while it is not suspended."""

    def __init__(self, name: str, file: IO[bytes] | None = None) -> None:
        self._name = name
        self._file = file or io.BytesIO()
        # The same settings as pytest's, so that what a case sees of its streams is the same.
        self._text = io.TextIOWrapper(
            self._file, "utf-8", errors="replace", newline="", write_through=True
        )
        self._outside: Any = None

    def resume(self) -> None:
        """Take what is printed from now on."""
        self._outside = getattr(sys, self._name)
        setattr(sys, self._name, self._text)

    def suspend(self) -> None:
        """Let what is printed from now on go where it went before."""
        setattr(sys, self._name, self._outside)

    def read(self) -> bytes:
        """Return what has come, and forget it."""
        self._text.flush()
        self._file.seek(0)
        data = self._file.read()
        self._file.seek(0)
        self._file.truncate()
        return data

    def pass_on(self, data: bytes) -> None:
        """Print what nobody has read."""
        if data and self._outside is not None:
            self._outside.write(data.decode("utf-8", "replace"))
            self._outside.flush()

    def close(self) -> None:
        """Leave it to whoever has kept the stream."""


class _Descriptor(_Stream):
    """The same for a descriptor, which programs that a case starts write to."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(name, tempfile.TemporaryFile(buffering=0))  # noqa: SIM115, it stays open
        self._number = number
        self._saved = -1

    def resume(self) -> None:
        with suppress(AttributeError, ValueError):  # it is None, or closed
            getattr(sys, self._name).flush()
        self._saved = os.dup(self._number)
        os.dup2(self._file.fileno(), self._number)
        super().resume()

    def suspend(self) -> None:
        self._text.flush()
        super().suspend()
        os.dup2(self._saved, self._number)
        os.close(self._saved)

    def close(self) -> None:
        self._text.close()
