"""The hooks that a project or another plugin can implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a pytest run without parwork loads neither
    from ..backends.protocol import Backend
    from ..model.comparison import Mismatch, Policy
    from ..report.data import Report


@pytest.hookspec
def pytest_parwork_backends(config: pytest.Config) -> Mapping[str, Backend]:  # type: ignore[empty-body]  # a specification
    """Return backends by the names that tests use for them; all answers are merged.

    A name given twice is an error that names both plugins.
    """


@pytest.hookspec(firstresult=True)
def pytest_parwork_compare(
    actual: object, expected: object, path: str, policy: Policy
) -> Sequence[Mismatch] | None:
    """Compare two parts of returned values whose type this package does not know well enough.

    Called for every part except plain ints, floats, strings, bytes, bools and None, and first for
    the whole value; `path` is its place (`['mesh'].cells`, empty for the whole value), `policy` is
    the policy of the test. Return None to leave the comparison to parwork, an empty list if the
    parts are equal, else the mismatches, each with a path that begins with `path`. An
    implementation in a conftest.py applies to the tests below it. It is not called if the policy
    is a function.
    """


@pytest.hookspec
def pytest_parwork_logreport(config: pytest.Config, report: Report) -> None:
    """Use the finished report: called once, at the end, in the process that shows results."""
