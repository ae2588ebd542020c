"""The contract for authors of backends, on backends of the package that meet it."""

from __future__ import annotations

import pytest
from support.carrier import Counting

from pytest_parwork.backends import Backend, bundled
from pytest_parwork.testing import TOUR, BackendContract, Runner


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


@pytest.mark.usefixtures("keeps_helpers")
@pytest.mark.parametrize("family", ["isolated:fork", "multiprocessing:fork", "joblib:loky"])
def test_each_family_has_all_outcomes_and_loses_only_the_guilty(family: str) -> None:
    """The daily part, in one test: each crash of loky ends all of its workers."""
    backend = bundled()[family]
    contract, runner = BackendContract(), Runner(backend, 2, 60.0)
    tour = dict(zip(TOUR, runner(*TOUR.values()).outcomes, strict=True))
    contract.test_every_task_has_its_outcome_in_the_order_of_tasks(tour)
    contract.test_an_exception_comes_back(tour)
    contract.test_its_place_is_true(runner)
    contract.test_a_crash_loses_its_own_task_only(runner)
    contract.test_a_task_without_an_end_is_lost_and_no_other(runner)
    backend.close()
