"""Values, failures and functions on every backend: one run each, many questions."""

from __future__ import annotations

import copyreg
import functools
import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

import parwork_faults as faults
import parwork_tasks as tasks
import pytest
from support.carrier import IN_PROCESS, Carrier, outcomes

from pytest_parwork.backends import Backend
from pytest_parwork.model.errors import PayloadError
from pytest_parwork.model.outcome import Failure, NotSent, Outcome
from pytest_parwork.model.work import Address, Task
from pytest_parwork.runner import Interrupted

Tour = Mapping[str, Outcome]


def in_module(x: int) -> int:
    return x + 1


def by_address(*classes: str, attribute: str) -> Address:
    return Address(module="parwork_tasks", classes=classes, attribute=attribute)


def closure(by: int) -> Callable[[int], int]:
    def add(x: int) -> int:
        return in_module(x) + by

    return add


def holding_a_lock() -> Callable[[], bool]:
    lock = threading.Lock()

    def look() -> bool:
        return lock.locked()

    return look


def unreachable(*args: object) -> object:
    raise AssertionError("the address should have been used")


#: By what is to be seen: function and arguments.
CALLS: Mapping[str, tuple[Any, ...]] = {
    "value": (tasks.square, 7),
    "none": (tasks.identity, None),
    "exception as a value": (tasks.identity, ValueError("returned")),
    "builtin": (math.sqrt, 16.0),
    "class": (complex, 1, 2),
    "test module": (in_module, 1),
    "lambda": (lambda x: in_module(x) * 10, 1),
    "closure": (closure(by=5), 1),
    "partial": (functools.partial(pow, 2), 10),
    "partial of a lambda": (functools.partial(lambda a, b: a - b, 5), 3),
    "bound method": (tasks.Adder(3).add, 4),
    "method of a builtin": ("-".join, ["a", "b"]),
    "same object twice": (tasks.is_same, *([[1, 2]] * 2)),
    "value error": (tasks.raise_value_error, 3),
    "chained": (tasks.raise_chained,),
    "assertion": (tasks.fail_assertion, 2),
    "picky": (tasks.raise_picky,),
    "wordy": (tasks.raise_wordy,),
    "locked": (tasks.raise_locked,),
    "wordless": (tasks.raise_wordless,),
    "local class": (tasks.raise_local,),
    "wrong call": (tasks.square, 1, 2),
    "SystemExit": (tasks.leave,),
    "KeyboardInterrupt": (tasks.interrupt,),
    "GeneratorExit": (tasks.exit_generator,),
    "skip": (tasks.skip,),
    "unittest skip": (tasks.skip_unittest,),
    "pytest fail": (tasks.fail,),
    "pytest exit": (tasks.exit_session,),
    "unpicklable argument": (tasks.type_name, {"model": tasks.Model()}),
    "argument that does not load": (tasks.type_name, tasks.ExitsInUnpickle()),
    "unpicklable result": (tasks.unpicklable_result,),
    "exit while pickling": (tasks.result_that_exits_in_pickle,),
    "result that does not load": (tasks.result_that_does_not_unpickle,),
    "unsendable function": (holding_a_lock(),),
    "last": (tasks.square, 9),
}

TASKS: Mapping[str, Task] = {
    **{id: Task(id=id, function=call[0], args=call[1:]) for id, call in CALLS.items()},
    "keyword": Task(id="keyword", function=tasks.Adder, kwargs={"by": 2}),
    "unpicklable keyword": Task(
        id="k", function=tasks.type_name, kwargs={"value": threading.Lock()}
    ),
    "keyword that does not load": Task(
        id="k2", function=tasks.type_name, kwargs={"value": tasks.ExitsInUnpickle()}
    ),
}


@pytest.fixture(scope="module")
def tours() -> dict[str, Tour]:
    return {}


@pytest.fixture
def tour(name: str, tours: dict[str, Tour], backend: Backend) -> Tour:
    """Give the outcome of each of `TASKS` on this backend, all from one run."""
    if name not in tours:
        carrier = Carrier(name, backend)
        for cls in (tasks.PickyError, tasks.WordyError):  # else they survive being pickled
            copyreg.dispatch_table.pop(cls, None)  # distributed has added all that it saw at import
        chosen = {id: TASKS[id] for id in TASKS if (name, id) != ("serial", "KeyboardInterrupt")}
        tours[name] = dict(zip(chosen, carrier(list(chosen.values())).outcomes, strict=True))
        carrier.close()
    return tours[name]


def failure_of(outcome: Outcome) -> Failure:
    assert outcome.kind == "failure"
    assert outcome.failure is not None
    return outcome.failure


def not_sent_of(outcome: Outcome) -> NotSent:
    assert outcome.kind == "not_sent"
    assert outcome.not_sent is not None
    with pytest.raises(PayloadError, match="NOT_SENT: "):
        outcome.result()
    return outcome.not_sent


def test_every_task_has_an_outcome_in_task_order(tour: Tour) -> None:
    assert not [id for id, outcome in tour.items() if outcome.kind == "lost"]
    assert tour["value"].value == 49
    assert tour["last"].value == 81


def test_every_outcome_of_a_called_function_has_its_times_and_worker(tour: Tour) -> None:
    called = [outcome for outcome in tour.values() if outcome.started is not None]
    assert len(called) >= len(TASKS) - 6
    for outcome in called:
        assert outcome.arrived is not None
        assert outcome.started is not None
        assert outcome.ended is not None
        assert outcome.arrived <= outcome.started <= outcome.ended
        assert outcome.worker in {1, 2}


@pytest.mark.parametrize(
    ("id", "value"),
    [
        ("none", None),
        ("builtin", 4.0),
        ("class", 1 + 2j),
        ("test module", 2),
        ("lambda", 20),
        ("closure", 7),
        ("partial", 1024),
        ("partial of a lambda", 2),
        ("bound method", 7),
        ("method of a builtin", "a-b"),
        ("same object twice", True),
    ],
)
def test_functions_of_every_kind_return_their_value(tour: Tour, id: str, value: object) -> None:
    assert tour[id].result() == value


def test_a_returned_exception_is_a_value(tour: Tour) -> None:
    outcome = tour["exception as a value"]
    assert outcome.kind == "value"
    assert repr(outcome.value) == "ValueError('returned')"


def test_an_instance_of_an_importable_class_comes_back_as_one(tour: Tour) -> None:
    assert type(tour["keyword"].value) is tasks.Adder


def test_an_exception_comes_back_whole(tour: Tour) -> None:
    failure = failure_of(tour["value error"])
    assert failure.type == "ValueError"
    assert failure.text == "('bad value', 3)"
    assert isinstance(failure.exception, ValueError)
    assert failure.exception.args == ("bad value", 3)
    assert not failure.is_assertion
    assert failure.where is not None
    file, line = failure.where
    assert file == tasks.__file__
    assert line > tasks.raise_value_error.__code__.co_firstlineno
    assert failure.source == 'raise ValueError("bad value", x)'
    assert failure.source in failure.traceback
    with pytest.raises(ValueError, match="bad value"):
        tour["value error"].result()


def test_a_traceback_shows_nothing_of_parwork(tour: Tour) -> None:
    text = failure_of(tour["value error"]).traceback
    assert text.startswith("Traceback (most recent call last):\n")
    assert "pytest_parwork" not in text


def test_a_traceback_shows_the_cause_too(tour: Tour) -> None:
    text = failure_of(tour["chained"]).traceback
    assert "KeyError: 'inner'" in text
    assert text.endswith("RuntimeError: outer\n")


def test_a_failed_assertion_is_known_as_one(tour: Tour) -> None:
    failure = failure_of(tour["assertion"])
    assert failure.is_assertion
    assert failure.text == "x must be one"
    assert failure.source == 'assert x == 1, "x must be one"'


def test_a_call_with_the_wrong_arguments_is_a_failure(tour: Tour) -> None:
    failure = failure_of(tour["wrong call"])
    assert failure.type == "TypeError"
    assert "takes 1 positional argument but 2 were given" in failure.text


@pytest.mark.parametrize(
    ("id", "type", "text"),
    [
        ("picky", "parwork_tasks.PickyError", "this and that"),
        ("wordy", "parwork_tasks.WordyError", "code 5"),
        ("locked", "parwork_tasks.LockedError", "locked"),
        ("wordless", "parwork_tasks.WordlessError", "<no text: str() raised RuntimeError>"),
        ("local class", "parwork_tasks.raise_local.<locals>.LocalError", "local"),
    ],
)
def test_an_exception_that_cannot_be_sent_is_described(
    tour: Tour, id: str, type: str, text: str
) -> None:
    failure = failure_of(tour[id])
    assert failure.type == type
    assert failure.text == text
    assert f"in raise_{id.split()[0]}" in failure.traceback
    if id != "wordless":
        with pytest.raises(Exception, match=text):
            tour[id].result()


@pytest.mark.parametrize("id", ["picky", "wordy", "locked"])
def test_the_object_of_such_an_exception_is_there_only_where_memory_is_shared(
    tour: Tour, name: str, id: str
) -> None:
    assert (failure_of(tour[id]).exception is not None) == (name in IN_PROCESS)


@pytest.mark.parametrize(
    ("id", "args"),
    [
        ("SystemExit", (3,)),
        ("KeyboardInterrupt", ("by hand",)),
        ("GeneratorExit", ("gone",)),
    ],
)
def test_an_exception_that_would_end_a_worker_is_the_outcome_of_its_task(
    tour: Tour, id: str, args: tuple[object, ...]
) -> None:
    if id not in tour:
        pytest.skip("here it cannot be distinguished from Ctrl-C")
    failure = failure_of(tour[id])
    assert failure.type == id
    assert failure.exception is not None
    assert failure.exception.args == args


def test_in_a_plain_loop_a_keyboard_interrupt_ends_the_run(
    backends: Mapping[str, Backend],
) -> None:
    carrier = Carrier("serial", backends["serial"])
    tasks = [TASKS[id] for id in ("value", "KeyboardInterrupt", "last")]
    with pytest.raises(Interrupted) as caught:
        carrier(tasks)
    assert caught.value.cause.args == ("by hand",)
    run = caught.value.run
    # The last task comes first.
    assert [outcome.kind for outcome in run.outcomes] == ["lost", "lost", "value"]
    outcomes(run).close()
    carrier.close()


@pytest.mark.parametrize(("id", "text"), [("skip", "not today"), ("unittest skip", "not here")])
def test_a_skip_inside_a_task_is_a_skip(tour: Tour, id: str, text: str) -> None:
    outcome = tour[id]
    assert outcome.kind == "skip"
    assert outcome.failure is not None
    assert outcome.failure.text == text


@pytest.mark.parametrize(("id", "text"), [("pytest fail", "told so"), ("pytest exit", "all out")])
def test_the_other_outcomes_of_pytest_are_failures(tour: Tour, id: str, text: str) -> None:
    assert failure_of(tour[id]).text == text


def test_an_unpicklable_argument_fails_its_task_and_names_the_attribute(
    tour: Tour, name: str
) -> None:
    outcome = tour["unpicklable argument"]
    if name in IN_PROCESS:
        assert outcome.value == "dict"
        return
    why = not_sent_of(outcome)
    assert why.detail == (
        "argument 1 cannot be sent to a worker: ['model'].parts[1]['lock'] is a _thread.lock: "
        "cannot pickle '_thread.lock' object"
    )
    assert (why.reason, why.name, why.path) == ("argument", "1", "['model'].parts[1]['lock']")
    assert outcome.started is None


def test_an_unpicklable_keyword_argument_is_named(tour: Tour, name: str) -> None:
    outcome = tour["unpicklable keyword"]
    if name in IN_PROCESS:
        assert outcome.value == "lock"
        return
    why = not_sent_of(outcome)
    assert why.detail.startswith("argument 'value' cannot be sent to a worker: it is")
    assert (why.reason, why.name, why.path) == ("argument", "value", "")


@pytest.mark.parametrize(
    ("id", "argument"),
    [("argument that does not load", "1"), ("keyword that does not load", "'value'")],
)
def test_an_argument_that_does_not_load_fails_its_task_and_is_named(
    tour: Tour, name: str, id: str, argument: str
) -> None:
    outcome = tour[id]
    if name in IN_PROCESS:
        assert outcome.value == "ExitsInUnpickle"
        return
    why = not_sent_of(outcome)
    assert why.detail == (
        f"argument {argument} cannot be loaded in a worker: ValueError: cannot be loaded elsewhere"
    )
    assert why.reason == "argument"
    assert outcome.started is None


def test_an_unpicklable_result_fails_its_task_and_names_the_attribute(
    tour: Tour, name: str
) -> None:
    outcome = tour["unpicklable result"]
    if name in IN_PROCESS:
        assert outcome.kind == "value"
        return
    why = not_sent_of(outcome)
    assert "the result cannot be sent back" in why.detail
    assert "['model'].parts[1]['lock'] is a _thread.lock" in why.detail
    assert (why.reason, why.path) == ("result", "['model'].parts[1]['lock']")
    assert outcome.seconds is not None


def test_a_result_that_raises_an_exit_while_it_is_pickled_fails_its_task(
    tour: Tour, name: str
) -> None:
    outcome = tour["exit while pickling"]
    if name in IN_PROCESS:
        assert outcome.kind == "value"
        return
    text = not_sent_of(outcome).detail
    assert "[0] is a parwork_tasks.ExitsInPickle: from a pickle" in text


def test_a_result_that_does_not_unpickle_fails_its_task(tour: Tour, name: str) -> None:
    outcome = tour["result that does not load"]
    if name in IN_PROCESS:
        assert outcome.kind == "value"
        return
    why = not_sent_of(outcome)
    assert why.reason == "result"
    assert "cannot be unpickled: ValueError: cannot be loaded elsewhere" in why.detail


def test_a_function_that_cannot_be_sent_is_a_payload_error(tour: Tour, name: str) -> None:
    outcome = tour["unsendable function"]
    if name in IN_PROCESS:
        assert outcome.value is False
        return
    why = not_sent_of(outcome)
    assert (why.reason, why.name, why.path) == ("argument", "", ".<lock>")
    assert "the function cannot be sent to a worker: .<lock> is a _thread.lock" in why.detail


def test_where_no_function_can_be_sent_every_task_fails_and_nothing_hangs(
    carrier: Carrier,
) -> None:
    run = carrier.map(holding_a_lock(), (), (), (), ())
    if carrier.name in IN_PROCESS:
        assert run == [False] * 4
        return
    for outcome in run.outcomes:
        assert not_sent_of(outcome).reason == "argument"


def test_a_run_of_no_tasks_ends(carrier: Carrier) -> None:
    assert carrier([]) == []


def test_values_are_in_task_order_however_tasks_end(carrier: Carrier) -> None:
    seconds = [0.05, 0.0, 0.03, 0.0, 0.01, 0.0, 0.0, 0.0]
    run = carrier.map(tasks.square_later, *enumerate(seconds))
    assert run == [x * x for x in range(8)]
    assert run[-2:] == [36, 49]
    assert [outcome.value for outcome in outcomes(run)[1:3]] == [1, 4]
    with pytest.raises(IndexError, match="task 8 of a run of 8"):
        run[8]


@pytest.mark.parametrize("chunksize", [1, 3, 100])
def test_every_chunksize_gives_every_value(carrier: Carrier, chunksize: int) -> None:
    run = carrier(
        [Task(id=str(x), function=tasks.square, args=(x,)) for x in range(20)],
        chunksize=chunksize,
    )
    assert run == [x * x for x in range(20)]


def test_a_method_by_address_runs_on_a_fresh_instance_for_each_task(carrier: Carrier) -> None:
    address = by_address("Counter", attribute="test_count")
    run = carrier(
        [
            # As pytest provides it: bound to an instance of its own.
            Task(id=str(by), function=tasks.Counter().test_count, address=address, args=(by,))
            for by in (1, 2, 3, 4)
        ]
    )
    assert run == [1, 2, 3, 4]


def test_a_method_of_a_nested_class_is_found_by_its_address(carrier: Carrier) -> None:
    address = by_address("Counter", "TestInner", attribute="test_name")
    function = tasks.Counter.TestInner().test_name
    run = carrier([Task(id="0", function=function, address=address)] * 2)
    assert run == ["Counter.TestInner"] * 2


def test_an_address_that_leads_nowhere_fails_only_its_task(carrier: Carrier) -> None:
    lost = Task(id="lost", function=unreachable, address=by_address(attribute="no_such_function"))
    away = Task(
        id="away", function=unreachable, address=Address(module="no_such_module", attribute="f")
    )
    good = Task(id="good", function=tasks.square, args=(3,))
    run = carrier([lost, away, good])
    assert run[2] == 9
    if carrier.name not in IN_PROCESS:
        assert failure_of(run.outcomes[0]).type == "AttributeError"
        assert failure_of(run.outcomes[1]).type == "ModuleNotFoundError"


def test_a_value_that_raises_whatever_it_is_asked_for_is_an_outcome(carrier: Carrier) -> None:
    run = carrier([Task(id="0", function=faults.returns_what_nobody_may_ask)] * 3)
    kind = "value" if carrier.name in IN_PROCESS else "not_sent"
    assert [outcome.kind for outcome in run.outcomes] == [kind] * 3
