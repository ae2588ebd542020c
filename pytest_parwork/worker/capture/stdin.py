"""The standard input of a worker process, which cannot be read while output is captured."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable


class _Unreadable(io.TextIOBase):
    """Raises what that of pytest's process raises, where a worker's own would be empty."""

    @property
    def buffer(self) -> _Unreadable:
        return self

    def read(self, _size: int | None = -1, /) -> str:
        raise OSError("pytest: reading from stdin while output is captured!  Consider using `-s`.")

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        return self.read(size)

    def fileno(self) -> int:
        raise io.UnsupportedOperation("redirected stdin is pseudofile, has no fileno()")

    def close(self) -> None:
        """Stay open, as it is that of all cases."""


def reject_reading() -> Callable[[], None]:
    """Replace the standard input; return how to restore it."""
    before = sys.stdin
    sys.stdin = _Unreadable()

    def restore() -> None:
        sys.stdin = before

    return restore
