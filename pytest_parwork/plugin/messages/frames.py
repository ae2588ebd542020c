"""The traceback of a verdict, reduced to one frame so that pytest shows it fast."""

from __future__ import annotations

import pytest

from ...model.errors import FixtureError, LostError, MismatchError


def drop_frames(call: pytest.CallInfo[None]) -> None:
    """Replace the traceback of our own exceptions by a single frame of this small file.

    A verdict shows no frame. But pytest parses the whole source file of every frame anew: most of
    the time of a case that is DIFFERENT.
    """
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, MismatchError | LostError | FixtureError):
        try:
            raise error.with_traceback(None)
        except type(error) as same:
            call.excinfo = pytest.ExceptionInfo.from_exception(same)
