"""The output of tasks on every backend: it is returned with their outcomes."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings

import pytest
from support.carrier import IN_PROCESS, JOINED, Carrier, calls

from pytest_parwork.model.outcome import Run
from pytest_parwork.model.output import Capture, Filter, Output
from pytest_parwork.worker.capture.warned import filters_here

#: Where the runner shares no files with the workers, and none of their descriptors.
BY_THREAD = {*IN_PROCESS, JOINED}

#: plugin/test_output.py asks daily what cases on joblib print.
SELDOM_DAILY = ("joblib:loky",)


def speaks(n: int) -> int:
    if n:
        print("printed", n)
        print("complained", n, file=sys.stderr)
        logging.getLogger("contract").warning("logged %s", n)
        warnings.warn(f"warned {n}", stacklevel=1)
    return n


def writes(n: int) -> int:
    os.write(1, b"by descriptor\n")
    return n


def dies(n: int) -> None:
    print("began", n)
    if n == 1:
        os._exit(1)


def prints_a_lot(n: int) -> float:
    began = time.perf_counter()
    if n == 0:
        for _ in range(1000):
            print("x" * 9_999)
    return time.perf_counter() - began


def capture(*filters: Filter) -> Capture:
    shown: Filter = ("default", None, ("builtins", "Warning"), None, 0)
    return Capture(root_level=logging.WARNING, filters=((*filters, shown),))


def output(run: Run, task: int) -> Output:
    found = run.outcomes[task].output
    assert isinstance(found, Output)
    return found


def test_what_a_task_says_is_its_own(carrier: Carrier) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # which is what threads have
        run = carrier(calls(speaks, *[(n,) for n in range(6)]), capture=capture())
    assert list(run) == list(range(6))
    assert run.outcomes[0].output is None
    for n in range(1, 6):
        said = output(run, n)
        assert said.out == f"printed {n}\n"
        assert said.err == f"complained {n}\n"
        assert [entry["msg"] for entry in said.log if not isinstance(entry, str)] == [f"logged {n}"]
        (warned,) = said.warned
        assert (warned.category, warned.text) == (("builtins", "UserWarning"), f"warned {n}")
        assert warned.filename == __file__


def test_no_output_is_returned_where_none_is_wanted(carrier: Carrier) -> None:
    if carrier.name in IN_PROCESS:
        pytest.skip("it would be printed here")
    run = carrier(calls(writes, (1,), (2,)))
    assert [outcome.output for outcome in run.outcomes] == [None, None]


def test_a_descriptor_is_captured_where_a_process_is_at_one_task(carrier: Carrier) -> None:
    run = carrier(calls(writes, (1,), (2,)), capture=capture())
    for task in range(2):
        if carrier.name in BY_THREAD:
            assert run.outcomes[task].output is None
        else:
            assert output(run, task).out == "by descriptor\n"


def test_what_a_task_said_before_it_died_is_known(carrier: Carrier) -> None:
    if carrier.name in BY_THREAD:
        pytest.skip("nobody else has it")
    run = carrier(calls(dies, *[(n,) for n in range(4)]), capture=capture())
    assert run.outcomes[1].lost is not None
    for n in range(4):
        assert output(run, n).out == f"began {n}\n"


def test_a_task_that_prints_a_lot_delays_no_other(carrier: Carrier) -> None:
    run = carrier(calls(prints_a_lot, *[(n,) for n in range(6)]), capture=capture())
    said = output(run, 0)
    assert said.out.startswith("xxx")
    assert "left out" in said.out
    assert len(said.out) < 1_100_000
    assert all(outcome.output is None for outcome in run.outcomes[1:])


def test_the_filters_of_a_task_hold(carrier: Carrier) -> None:
    ignored: Filter = ("ignore", "warned [12]", ("builtins", "UserWarning"), None, 0)
    error: Filter = ("error", None, ("builtins", "UserWarning"), None, 0)
    if carrier.name in IN_PROCESS:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "warned [12]")
            run = carrier(calls(speaks, *[(n,) for n in range(1, 5)]), capture=capture())
    else:
        wanted = capture(ignored, error)
        run = carrier(calls(speaks, *[(n,) for n in range(1, 5)]), capture=wanted)
    assert [outcome.kind for outcome in run.outcomes] == ["value", "value", "failure", "failure"]


def test_the_process_is_left_as_it_was(carrier: Carrier) -> None:
    root = logging.getLogger()
    before = (
        sys.stdout,
        sys.stderr,
        warnings.showwarning,
        filters_here(),
        list(root.handlers),
        root.level,
    )
    carrier(calls(speaks, (1,), (2,)), capture=capture())
    assert before == (
        sys.stdout,
        sys.stderr,
        warnings.showwarning,
        filters_here(),
        list(root.handlers),
        root.level,
    )
