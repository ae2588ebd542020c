"""The worker's parts that no run of a backend shows by itself."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import Any

import parwork_tasks as tasks
import pytest

from pytest_parwork.model.errors import PayloadError
from pytest_parwork.model.output import Output
from pytest_parwork.model.work import Address, Batch
from pytest_parwork.transport.addresses import find
from pytest_parwork.transport.failures import TEXT_LIMIT, describe, is_skip
from pytest_parwork.transport.ledger import Ledger, State
from pytest_parwork.worker.processes import Attached, ProcessCall
from pytest_parwork.worker.results import pack


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_function_is_found_by_its_address() -> None:
    assert find(Address(module="parwork_tasks", attribute="square")) is tasks.square


def test_a_method_is_found_on_a_fresh_instance_each_time() -> None:
    address = Address(module="parwork_tasks", classes=("Counter",), attribute="test_count")
    assert str(address) == "parwork_tasks.Counter.test_count"
    assert [find(address)(1), find(address)(1)] == [1, 1]


def test_a_description_is_bounded() -> None:
    failure = describe(raised(ValueError("x" * 10 * TEXT_LIMIT)))
    assert len(failure.text) == TEXT_LIMIT
    assert len(failure.traceback) <= TEXT_LIMIT


def test_an_exception_that_was_never_raised_is_described_without_a_place() -> None:
    failure = describe(ValueError("calm"))
    assert (failure.where, failure.source) == (None, "")
    assert failure.traceback == "ValueError: calm\n"
    assert failure.exception is None


def test_a_description_says_where_and_what() -> None:
    failure = describe(raised(KeyError("k")))
    assert failure.type == "KeyError"
    assert failure.where is not None
    assert failure.where[0] == __file__
    assert failure.source == "raise error"


def test_an_exception_whose_traceback_cannot_be_formatted_is_described_by_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*args: object, **kwargs: object) -> list[str]:
        raise RuntimeError("no traceback")

    monkeypatch.setattr(traceback, "format_exception", broken)
    assert describe(raised(ValueError("x"))).traceback == "x"


def test_skips_are_told_from_failures_by_their_class_alone() -> None:
    import unittest

    assert is_skip(unittest.SkipTest("x"))
    with pytest.raises(pytest.skip.Exception) as caught:
        pytest.skip("x")
    assert is_skip(caught.value)
    with pytest.raises(pytest.fail.Exception) as failed:
        pytest.fail("x")
    assert not is_skip(failed.value)
    assert not is_skip(type("Skipped", (Exception,), {})())


def test_this_process_has_nothing_of_a_worker_after_the_runs_of_others() -> None:
    finders = [type(finder).__module__ for finder in sys.meta_path]
    assert "pytest_parwork.worker.processes" not in finders


def test_an_error_of_the_package_is_named_without_its_module() -> None:
    told = describe(PayloadError("argument 'x' cannot be sent"))
    assert told.type == "PayloadError"


@pytest.mark.parametrize("records", [1, 2])
def test_output_for_which_there_is_no_room_is_not_expected_behind_its_outcome(records: int) -> None:
    class Small:
        number = 0
        left = records

        def append(self, *_: object) -> tuple[int, int]:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return (0, 8)

    attached: Any = object.__new__(Attached)  # to no run
    attached.ledger, attached.spool = Ledger(bytearray(Ledger.size(1))), Small()
    attached._store(0, pack("value", 7), Output(out="printed"))
    assert attached.ledger.state(0) is State.STORED
    assert attached.ledger.has_output(0) is (records == 2)


def test_of_a_batch_that_is_sent_again_only_what_is_not_stored_is_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[int] = []
    attached: Any = object.__new__(Attached)  # to no run
    attached.ledger, attached.has_met = Ledger(bytearray(Ledger.size(3))), True
    attached.ledger.store(1, "value", 0, 0, 8)
    monkeypatch.setattr(Attached, "to", lambda _: attached)
    monkeypatch.setattr(Attached, "run_task", lambda _, number, *rest: ran.append(number))
    handle: Any = None
    assert ProcessCall(handle)(Batch(number=5, tasks=(0, 1, 2))) == 5
    assert ran == [0, 2]
