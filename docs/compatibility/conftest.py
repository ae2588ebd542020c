"""Fixtures that the features share, or override."""

import os

import pytest


@pytest.fixture(scope="session")
def table() -> dict[str, int]:
    return {"a": 1, "b": 2}


@pytest.fixture
def name() -> str:
    return "conftest"


@pytest.fixture(scope="module")
def pid_here() -> int:
    return os.getpid()
