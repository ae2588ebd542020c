"""The hooks that a project or another plugin can implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a pytest run without parwork loads neither
    from .backends.base import Backend
    from .report.data import Report

__all__ = ["pytest_parwork_backends", "pytest_parwork_logreport"]


@pytest.hookspec
def pytest_parwork_backends(config: pytest.Config) -> Mapping[str, Backend]:  # type: ignore[empty-body]  # a specification
    """Return backends by the name that a test gives; all answers are merged.

    A name given twice is an error that names both plugins.
    """


@pytest.hookspec
def pytest_parwork_logreport(config: pytest.Config, report: Report) -> None:
    """Take the finished report: called once, at the end, in the process that shows results."""
