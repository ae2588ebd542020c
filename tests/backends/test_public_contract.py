"""The contract for authors of backends, on backends of the package that meet it."""

from __future__ import annotations

import pytest
from support.carrier import Counting

from pytest_parwork.backends import Backend, bundled
from pytest_parwork.testing import BackendContract


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Counting(bundled()["processes:fork"])


class TestSerial(BackendContract):
    backend = bundled()["serial"]


class TestThreads(BackendContract):
    backend = bundled()["threads"]


class TestAFixture(BackendContract):
    pass


class TestInForks(BackendContract):
    backend = bundled()["isolated:fork"]
