"""What pytest draws of the traceback of a verdict: as little as there is."""

from __future__ import annotations

import pytest

from ...model.errors import FixtureError, LostError, MismatchError


def leave_frames_out(call: pytest.CallInfo[None]) -> None:
    """Give an exception of ours no frame but one of this small file.

    A verdict shows no frame. pytest parses the whole source of each one anew to draw it: most of
    the time of a case that is DIFFERENT.
    """
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, MismatchError | LostError | FixtureError):
        try:
            raise error.with_traceback(None)
        except type(error) as same:
            call.excinfo = pytest.ExceptionInfo.from_exception(same)
