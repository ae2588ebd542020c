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
    """Return backends by the name that a test gives; all answers are merged.

    A name given twice is an error that names both plugins.
    """


@pytest.hookspec(firstresult=True)
def pytest_parwork_compare(
    actual: object, expected: object, path: str, policy: Policy
) -> Sequence[Mismatch] | None:
    """Compare two parts of returned values that this package does not know well enough.

    Asked of every part but plain ints, floats, texts, bytes, bools and None, the whole value first;
    `path` leads to it (`['mesh'].cells`, empty for the whole value), `policy` is the test's. Return
    None to leave the two to parwork, an empty list if they are equal, else what differs: each
    `Mismatch` has a path that begins with `path`. An implementation in a conftest.py answers for
    the tests below it. It is not asked where the policy is a function.
    """


@pytest.hookspec
def pytest_parwork_logreport(config: pytest.Config, report: Report) -> None:
    """Take the finished report: called once, at the end, in the process that shows results."""
