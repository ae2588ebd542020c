"""The contract for authors of backends, on backends of the package that meet it."""

from __future__ import annotations

import pytest
from support.carrier import Counting

from pytest_parwork.backends import Backend, bundled
from pytest_parwork.testing import BackendContract, Runner


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Counting(bundled()["processes:fork"])


class TestSerial(BackendContract):
    backend = bundled()["serial"]


class TestThreads(BackendContract):
    backend = bundled()["threads"]


class TestAFixture(BackendContract):
    pass


@pytest.mark.sweep  # a process for each task, of which the contract has dozens
class TestInForks(BackendContract):
    backend = bundled()["isolated:fork"]


def test_a_backend_of_forks_has_that_place() -> None:
    backend = bundled()["isolated:fork"]
    BackendContract().test_its_place_is_true(Runner(backend, 2, 60.0))
    backend.close()
