"""Where two executions of a call part, and what the system has answered to them."""

from __future__ import annotations

import gc
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from os import getpid
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_parwork.equivalence import compare_outcomes, exact
from pytest_parwork.model.causes import Cause
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.verify.diagnosis import parting, recording
from pytest_parwork.verify.diagnosis.bench import Experiment, Side
from pytest_parwork.verify.diagnosis.laboratory import Laboratory
from pytest_parwork.verify.diagnosis.recording import Record, Recorded
from pytest_parwork.worker.calling import in_thread

HERE = Path(__file__).name


def recorded(function: Callable[..., object], *args: object) -> Record:
    found = Recorded()(function)(*args)
    assert isinstance(found, Record)
    return found


def parted(one: Record, other: Record) -> Cause:
    """Return the cause of two experiments that gave these records."""
    found = {"a, recorded": one, "b, recorded again": other}

    def outcomes(experiment: Experiment, seeds: Sequence[str]) -> list[Outcome]:
        return [Outcome(kind="value", value=found[experiment.label])]

    lab = SimpleNamespace(
        sides=tuple(Side(f"in {name}", Experiment(label=name, tasks=(0,))) for name in "ab"),
        deadline=float("inf"),
        measure=lambda experiments, seeds: None,
        outcomes=outcomes,
        same=lambda actual, expected: bool(compare_outcomes(actual, expected, exact())),
    )
    return parting.with_parting(cast("Laboratory", lab), Cause(name="X", evidence="why"))


SCALE = [1]


def scaled(n: int) -> int:
    factor = SCALE[0]
    if factor > 2:
        n += 1
    return n * factor


def line_of(function: Callable[..., object], below: int) -> int:
    return function.__code__.co_firstlineno + below


def with_scale(value: int, function: Callable[..., object], *args: object) -> Record:
    SCALE[0] = value
    try:
        return recorded(function, *args)
    finally:
        SCALE[0] = 1


def test_the_first_local_value_that_differs_is_named_with_its_line() -> None:
    one, other = with_scale(1, scaled, 5), with_scale(2, scaled, 5)
    line = parted(one, other).line
    assert line == f"before {HERE}:{line_of(scaled, 2)} in scaled, factor is 1 in a, 2 in b"
    assert not parted(one, with_scale(1, scaled, 5)).line


def branching() -> str:
    if SCALE[0] > 2:
        return "large"
    return "small"


def test_the_line_at_which_two_executions_part_is_named_with_that_before_it() -> None:
    cause = parted(with_scale(1, branching), with_scale(3, branching))
    assert cause.line == (
        f"after {HERE}:{line_of(branching, 1)} in branching, next is "
        f"{HERE}:{line_of(branching, 3)} in branching in a, "
        f"{HERE}:{line_of(branching, 2)} in branching in b"
    )
    assert ("line", cause.line) in list(cause.rows())


def clock() -> float:
    return time.perf_counter()


def inner() -> int:
    return SCALE[0]


def outer() -> list[int]:
    return [inner()]


def test_a_value_that_a_function_returns_is_named_and_so_is_an_exception() -> None:
    assert not parted(recorded(clock), recorded(clock)).line  # the call says it
    cause = parted(with_scale(1, outer), with_scale(2, outer))
    assert cause.line == f"{HERE}:{line_of(inner, 1)} in inner returns 1 in a, 2 in b"
    failed = recorded(lambda: [][SCALE[0]])
    assert (failed.kind, failed.result) == ("failure", ("IndexError", "list index out of range"))


def test_answers_of_the_system_that_differ_are_named_with_the_line_that_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask() -> object:
        return [
            time.time() > 0,
            getpid(),
            os.environ.get("PARWORK_PLANTED"),
            os.environ.get("PARWORK_PLANTED"),
            random.random(),
        ]

    random.seed(1)
    one = recorded(ask)
    random.seed(1)
    monkeypatch.setenv("PARWORK_PLANTED", "x")
    other = recorded(ask)
    calls = parted(one, other).calls
    start = line_of(ask, 0)
    first = f"os.environ['PARWORK_PLANTED'] at {HERE}:{start + 4} gives unset in a, 'x' in b"
    assert calls[0].startswith(f"time.time() at {HERE}:{start + 2} gives ")
    assert calls[1] == first
    assert len(calls) == 3
    assert [one.call for one in other.questions] == [
        *("time.time()", "os.getpid()", *["os.environ['PARWORK_PLANTED']"] * 2),
        "random.random()",
    ]
    assert one.questions[-1].answer == other.questions[-1].answer
    assert getpid is os.getpid
    assert os.environ["PARWORK_PLANTED"] == "x"


def test_a_record_is_taken_inside_of_a_treatment_and_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording, "MOST_LINES", 20)

    def count() -> int:
        total = 0
        for n in range(1000):
            total += n
        return total

    found: Any = Recorded(in_thread)(count)()
    assert (found.kind, found.result, found.is_cut) == ("value", 499500, True)
    assert len(found.steps) == 20
    assert {step.function for step in found.steps} == {"count"}


def test_libraries_of_python_are_not_recorded() -> None:
    import json

    found = recorded(lambda: json.loads('{"a": [1, 2]}'))
    assert {step.file for step in found.steps} == {__file__}
    assert found.result == {"a": [1, 2]}


def test_calls_of_threads_that_ran_before_are_not_recorded() -> None:
    begun, done = threading.Event(), threading.Event()

    def asking() -> None:
        while not done.is_set():
            getpid()
            begun.set()

    def own() -> None:
        thread = threading.Thread(target=asking_once)
        thread.start()
        thread.join()

    def asking_once() -> None:
        os.environ.get("PARWORK_PLANTED")

    other = threading.Thread(target=asking)
    other.start()
    try:
        begun.wait(10)
        found = recorded(own)
    finally:
        done.set()
        other.join()
    assert {one.call for one in found.questions} == {"os.environ['PARWORK_PLANTED']"}


def test_what_a_collection_calls_is_none_of_the_calls() -> None:
    """As hypothesis does, which measures each collection."""
    called = []

    def measure(phase: str, _: object) -> None:
        called.append(time.perf_counter())

    def busy() -> int:
        kept = [[number] for number in range(200)]
        return len(kept)

    before = gc.get_threshold()
    gc.callbacks.append(measure)
    gc.set_threshold(5)
    try:
        busy()
        assert called
        assert recorded(busy).questions == ()
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(measure)
    assert gc.isenabled()
