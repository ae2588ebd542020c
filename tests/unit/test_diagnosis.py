"""The probes of a diagnosis, on outcomes as experiments give them: no cause without its proof."""

from __future__ import annotations

import datetime as datetime_module
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextvars import ContextVar, copy_context
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_parwork.equivalence import exact, show
from pytest_parwork.model.outcome import Lost, Outcome
from pytest_parwork.runner import Rerun
from pytest_parwork.verify.diagnosis.bench import import_all
from pytest_parwork.verify.diagnosis.chance import (
    SOURCES,
    chance,
    global_generator,
    hash_seed,
    source_of_system,
)
from pytest_parwork.verify.diagnosis.contexts import Context, changed_context, read_context
from pytest_parwork.verify.diagnosis.copies import Copied, Described, Parts, described
from pytest_parwork.verify.diagnosis.diagnosis import PROBES, budget, diagnose
from pytest_parwork.verify.diagnosis.difference import Difference
from pytest_parwork.verify.diagnosis.globals import Globals, globals_of, read_globals
from pytest_parwork.verify.diagnosis.laboratory import FORK, Laboratory
from pytest_parwork.verify.diagnosis.order import serial_order, worker_history
from pytest_parwork.verify.diagnosis.polluters import smallest
from pytest_parwork.verify.diagnosis.resources import shared_resource
from pytest_parwork.verify.diagnosis.serialization import RoundTrip, lost_input, lost_output
from pytest_parwork.verify.diagnosis.state import context, global_state, isolation
from pytest_parwork.verify.diagnosis.suspicion import suspicion
from pytest_parwork.verify.diagnosis.threads import (
    race_in_fork,
    thread_context,
    thread_race,
)
from pytest_parwork.verify.diagnosis.treatments import Fixed

LOST = Outcome(kind="lost", lost=Lost(reason="timeout", detail="too late"))
SEEDED = "global generators seeded with"
IN_WORKER = "after the cases that its worker ran before it"
SERIALLY = "after the cases that ran before it serially, with"


def outcome(value: object) -> Outcome:
    return value if isinstance(value, Outcome) else Outcome(kind="value", value=value)


def laboratory(
    found: Mapping[str, object],
    *,
    serial: object = "S",
    parallel: object = "P",
    start_method: str = "spawn",
) -> Laboratory:
    """Return a laboratory in which all experiments were run.

    A pair has the value for each of both processes. An experiment that is not named gave what its
    first run gave, else what the case gave alone; that was the serial result if it is not named.
    """
    difference = Difference(
        number=1,
        id="test_it[1]",
        actual=outcome(parallel),
        expected=outcome(serial),
        policy=exact(),
        own=None,
        timeout=None,
        start_method=start_method,
        earlier=(0,),
        earlier_in_worker=(0,),
        seconds=0.0,
    )
    rerun = cast("Rerun", SimpleNamespace(unavailable={}))
    made = Laboratory(
        difference=difference,
        rerun=rerun,
        names=["test_it[0]", "test_it[1]"],
        function=None,
        workers=2,
        find=lambda name: pytest.fail(name),
        deadline=float("inf"),
    )
    known: Any = {}

    class Found(dict[tuple[str, str], Outcome]):
        def __contains__(self, key: object) -> bool:
            return True

        def __missing__(self, key: tuple[str, str]) -> Outcome:
            label, seed = key
            first = found.get(label.rpartition(", run ")[0], found.get("alone", serial))
            given = found.get(f"{label} {seed}", found.get(label, first))
            if isinstance(given, tuple):
                given = given[int(seed[0]) % 2 == 0]
            return outcome(given)

    made._found = Found(known)
    return made


def test_a_result_that_follows_the_state_of_a_generator_depends_on_it() -> None:
    found = {
        f"{SEEDED} 0": 0,
        f"{SEEDED} 0, run 2": 0,
        f"{SEEDED} 1": 1,
        f"{SEEDED} 0 and 1": 1,
    }
    cause = global_generator(laboratory(found))
    assert cause is not None
    assert (cause.name, cause.detail, cause.confirmed) == ("GLOBAL_RNG", "numpy.random", True)
    again = {**found, f"{SEEDED} 0, run 2": 5}  # something else differs, too
    assert global_generator(laboratory(again)) is None
    assert global_generator(laboratory({**found, f"{SEEDED} 1": (0, 1)})) is None  # in one only
    assert global_generator(laboratory({**found, f"{SEEDED} 1": LOST})) is None


def test_the_hash_seed_is_the_cause_only_if_the_same_one_gives_the_same_again() -> None:
    found = {"alone": ("a", "b"), "alone, run 2": ("a", "b")}
    again = {**found, "alone 1 again": "a", "alone 2 again": "b"}
    cause = hash_seed(laboratory(again))
    assert cause is not None
    assert (cause.name, cause.confirmed) == ("HASH_SEED", True)
    other = hash_seed(laboratory({**again, "alone 2 again": "c"}))
    assert other is not None
    assert (other.name, other.confirmed) == ("PROCESS_IDENTITY", False)
    # Forked workers have the seed of pytest's process.
    assert hash_seed(laboratory(again, start_method="fork")) is None
    assert hash_seed(laboratory({"alone": "a"})) is None


def test_a_source_of_the_system_is_the_cause_only_if_fixing_it_fixes_the_result() -> None:
    unstable: dict[str, object] = {"alone": 1, "alone, run 2": 2}
    fixed: dict[str, object] = {f"fixed {s}": 3 for s in SOURCES}
    changing = {f"fixed {s}, run {n}": n for s in SOURCES for n in range(2, 21)}
    steady = {f"fixed time, run {n}": 3 for n in range(2, 21)}
    free = {f"alone, run {n}": n for n in range(2, 21)}
    assert source_of_system(laboratory({**unstable, **fixed, **changing, **free})) is None
    cause = source_of_system(laboratory({**unstable, **fixed, **changing, **free, **steady}))
    assert cause is not None
    assert (cause.name, cause.detail) == ("NONDETERMINISTIC_FUNCTION", "time")
    assert source_of_system(laboratory({})) is None
    rare = {"alone, run 2": 2, **{f"alone, run {n}": 1 for n in range(3, 21)}}  # luck, perhaps
    assert source_of_system(laboratory({**unstable, **fixed, **changing, **rare, **steady})) is None


def test_a_function_is_called_nondeterministic_if_forks_of_one_process_differ() -> None:
    unstable: dict[str, object] = {"alone": [1, 2], "alone, run 2": [2, 1]}
    unstable["alone 1 again"] = [2, 1]
    unstable["alone, run 3"] = ([1, 2], [2, 1])
    held: dict[str, object] = {"watch what it writes": []}
    held |= {"all sources fixed": [1, 2], "all sources fixed, again": [2, 1]}
    cause = chance(laboratory({**unstable, **held}))
    assert cause is not None
    assert (cause.detail, cause.remedy) == ("order only", "compare=unordered()")
    assert cause.confirmed
    assert chance(laboratory({"alone": 1, "alone, run 2": (2, 1)})) is None


def test_memory_that_forks_share_is_no_chance() -> None:
    counted: dict[str, object] = {"alone": 1, **{f"alone, run {n}": n for n in range(2, 6)}}
    held = {"watch what it writes": [], "all sources fixed": 6, "all sources fixed, again": 7}
    cause = chance(laboratory({**counted, **held}))
    assert cause is not None
    assert (cause.name, cause.detail, cause.confirmed) == ("WORKER_HISTORY", "shared memory", False)
    by_chance = {**counted, "alone 2 again": 5}  # another one at first in a new process
    other = chance(laboratory({**by_chance, **held}))
    assert other is not None
    assert (other.name, other.confirmed) == ("NONDETERMINISTIC_FUNCTION", True)


def test_several_sources_of_chance_are_suspected_together() -> None:
    found: dict[str, object] = {"alone": 1, "alone, run 2": 2}
    found |= {f"all sources fixed{more}": 0 for more in ("", ", again")}
    for n, source in enumerate(("pid", "time", "entropy", "global generators")):
        found |= {f"only {source} free": 0, f"only {source} free, again": n % 3}
    cause = chance(laboratory(found))
    assert cause is not None
    assert (cause.detail, cause.confirmed) == ("time, entropy", False)


def test_history_is_the_cause_only_if_it_makes_the_parallel_result_and_nothing_else_does() -> None:
    after = {IN_WORKER: "P", f"{IN_WORKER}, run 2": "P"}
    cause = worker_history(laboratory(after))
    assert cause is not None
    assert (cause.name, cause.confirmed) == ("WORKER_HISTORY", True)
    assert "after test_it[0] it is" in cause.evidence
    assert worker_history(laboratory({IN_WORKER: ("P", "S")})) is None
    assert worker_history(laboratory({"alone": "P", IN_WORKER: "P"})) is None
    assert (
        worker_history(
            laboratory({IN_WORKER: "P", f"{IN_WORKER}, run 2": "P", "alone, run 2": "T"})
        )
        is None
    )


def test_the_serial_order_and_a_changed_argument_are_told_apart() -> None:
    shared, separate = f"{SERIALLY} the same arguments", f"{SERIALLY} arguments of their own"
    order = serial_order(laboratory({"alone": "P", shared: "S", separate: "S"}))
    changed = serial_order(laboratory({"alone": "P", shared: "S", separate: "P"}))
    assert order is not None
    assert changed is not None
    assert (order.name, changed.name) == ("CASE_ORDER", "INPUT_MUTATION")
    assert serial_order(laboratory({"alone": "P", shared: "S", separate: LOST})) is None
    assert serial_order(laboratory({shared: "S"})) is None


def test_a_thread_is_the_cause_only_if_it_alone_gives_another_result() -> None:
    inside = {"alone in a thread": "P", "alone in a thread, again": "P"}
    cause = thread_context(laboratory(inside, start_method="thread"))
    assert cause is not None
    assert (cause.name, cause.detail) == ("THREAD_CONTEXT", "context variables")
    again = {**inside, "alone in a thread, again": "Q"}
    assert thread_context(laboratory(again, start_method="thread")) is None


@pytest.mark.parametrize(("wrong", "confirmed"), [(0, None), (1, False), (2, True)])
def test_a_race_is_confirmed_if_it_was_lost_twice(wrong: int, confirmed: bool | None) -> None:
    right = [("value", 1), ("value", 2)]
    found: dict[str, object] = {f"in threads, one after the other, run {n}": right for n in (1, 2)}
    found["in threads, one after the other, backwards"] = right[::-1]
    found |= {f"in threads, at the same time, run {n}": right for n in range(1, 6)}
    for n in range(1, wrong + 1):
        bad = [("value", 1), ("failure", ("ValueError", "x"))]
        found[f"in threads, at the same time, run {n}"] = (bad, right)
    cause = thread_race(laboratory(found, start_method="thread"))
    assert (cause.confirmed if cause is not None else None) is confirmed
    found["in threads, one after the other, backwards"] = right  # they depend on their order
    cause = thread_race(laboratory(found, start_method="thread"))
    assert (cause.confirmed if cause is not None else None) in (None, False)


def test_no_race_is_seen_where_a_lock_does_not_help() -> None:
    right, other = [("value", 1)], [("value", 2)]
    races = [f"in threads, at the same time, run {n}" for n in range(1, 6)]
    found: dict[str, object] = dict.fromkeys(races, other)
    found |= {"in threads, one after the other, run 1": right}
    found |= {"in threads, one after the other, run 2": other}
    assert thread_race(laboratory(found, start_method="thread")) is None


@pytest.mark.parametrize("start_method", ["spawn", "fork", "thread"])
def test_nothing_is_blamed_for_a_difference_that_no_experiment_shows(start_method: str) -> None:
    (cause,) = diagnose(laboratory({}, start_method=start_method))
    assert (cause.name, cause.confirmed) == ("UNREPRODUCED", False)
    (cause,) = diagnose(laboratory({"alone": "P"}, start_method=start_method))
    name = "REFERENCE_POISONED" if start_method == "thread" else "UNEXPLAINED"
    assert (cause.name, cause.confirmed) == (name, False)


@pytest.mark.parametrize(("wrong", "confirmed"), [(0, None), (1, False), (2, True)])
def test_a_shared_resource_is_the_cause_if_only_other_cases_spoil_the_result(
    wrong: int, confirmed: bool | None
) -> None:
    labels = ["alongside other cases", *(f"alongside other cases, run {n}" for n in range(2, 9))]
    found: dict[str, object] = dict.fromkeys(labels, "S")
    found |= dict.fromkeys(labels[:wrong], ("P", "S"))
    watched: dict[str, object] = {"watch what it writes": ["/tmp/state"]}
    cause = shared_resource(laboratory({**found, **watched}))
    assert (cause.confirmed if cause is not None else None) is confirmed
    assert cause is None or "it writes /tmp/state" in cause.evidence
    assert shared_resource(laboratory({**found, "alongside busy processes": "P"})) is None
    assert shared_resource(laboratory({**found, "alone, run 3": "P"})) is None


def test_a_connection_is_a_shared_resource_of_forks_only() -> None:
    labels = ["alongside other cases", *(f"alongside other cases, run {n}" for n in range(2, 9))]
    found: dict[str, object] = dict.fromkeys(labels, ("P", "S"))
    found |= {"watch what it writes": [], "list connections": ["the connection to db:5432"]}
    cause = shared_resource(laboratory(found, start_method="fork"))
    assert cause is not None
    assert (cause.name, cause.confirmed) == ("SHARED_RESOURCE_RACE", True)
    assert "it writes the connection to db:5432" in cause.evidence
    assert shared_resource(laboratory(found)) is None
    none = {**found, "list connections": []}
    assert shared_resource(laboratory(none, start_method="fork")) is None


def test_connections_with_an_address_are_named() -> None:
    code = """
import os, socket
from pytest_parwork.verify.diagnosis.watching import connected
ours = socket.socketpair()
server = socket.create_server(("127.0.0.1", 0))
print(connected(len)() == [])
end = socket.create_connection(server.getsockname())
print(connected(len)() == [f"the connection to 127.0.0.1:{server.getsockname()[1]}"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], timeout=60, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["True", "True"]


def test_a_thread_has_a_history_of_its_own() -> None:
    def in_threads(found: Mapping[str, object], in_thread: tuple[int, ...]) -> Laboratory:
        lab = laboratory(found, start_method="thread")
        lab.difference = replace(lab.difference, earlier_in_thread=in_thread)
        return lab

    by_thread = "after the cases that its thread ran before it, with"
    after = {f"{by_thread} the same arguments": "P", f"{by_thread} arguments of their own": "P"}
    assert worker_history(in_threads(after, ())) is None
    assert worker_history(in_threads(after, (0,))) is None  # the same cases in another way
    lab = in_threads(after, (2,))
    lab.names = ["test_it[0]", "test_it[1]", "test_it[2]"]
    cause = worker_history(lab)
    assert cause is not None
    assert (cause.name, cause.confirmed) == ("WORKER_HISTORY", True)
    assert "change the result in their thread" in cause.evidence


def test_history_needs_the_same_result_each_time() -> None:
    assert worker_history(laboratory({IN_WORKER: "P", f"{IN_WORKER}, run 2": "S"})) is None
    assert worker_history(laboratory({IN_WORKER: "P", "alone, run 5": "P"})) is None


def test_the_files_that_a_case_opens_for_writing_are_seen(tmp_path: Path) -> None:
    code = """
import os, sys
from pytest_parwork.verify.diagnosis.watching import watching
def case():
    open(sys.argv[1] + "/read").close() if os.path.exists(sys.argv[1] + "/read") else None
    open(sys.argv[1] + "/written", "w").close()
    os.mkdir(sys.argv[1] + "/made")
    raise ValueError
print(watching(case)())
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == str([f"{tmp_path}/made", f"{tmp_path}/written"])


def test_lost_experiments_blame_nothing() -> None:
    lab = laboratory({"alone": LOST})
    assert [probe(lab) for probe in PROBES] == [None] * len(PROBES)
    (cause,) = diagnose(lab)
    assert cause.evidence == "alone in a fresh process: too late"


@pytest.mark.parametrize(("seconds", "allowed"), [(0.1, 5.0), (2.0, 10.0), (60.0, 30.0)])
def test_the_budget_follows_the_seconds_of_both_runs(seconds: float, allowed: float) -> None:
    assert budget(seconds) == allowed


def test_a_fixed_time_is_that_of_datetime_too_however_it_was_imported() -> None:
    def case() -> list[datetime]:
        return [datetime.now(), datetime_module.datetime.today(), datetime(2020, 1, 1)]

    fixed = Fixed("time")(case)
    assert fixed() == fixed()
    assert all(type(one) is datetime for one in cast("list[datetime]", fixed()))
    assert datetime is datetime_module.datetime
    assert case()[0] != case()[0]


class Lossy:
    def __init__(self, memo: int | None) -> None:
        self.memo = memo

    def __getstate__(self) -> dict[str, object]:
        return {"memo": None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lossy) and self.memo == other.memo

    __hash__ = None  # type: ignore[assignment]


def test_a_result_that_loses_a_part_in_its_pickle_is_named_with_the_path() -> None:
    label = "compare the result with its copy from a pickle"
    how = RoundTrip(policy=exact(), own=None)
    lost = how(lambda: [Lossy(3)])()
    assert how(lambda: [1, {"a": 2.5}])() == []
    results: dict[str, Any] = {"serial": [Lossy(3)], "parallel": [Lossy(None)]}
    cause = lost_output(laboratory({"alone": [Lossy(None)], label: lost}, **results))
    assert cause is not None
    assert (cause.name, cause.detail, cause.confirmed) == ("SERIALIZATION", "output", True)
    assert "loses [0]" in cause.evidence
    assert lost_output(laboratory({"alone": [Lossy(None)], label: []}, **results)) is None
    assert lost_output(laboratory({label: lost}, **results)) is None  # alone it is serial


def in_question(found: Mapping[str, object]) -> Laboratory:
    """Return a laboratory in which a fresh process gives the parallel result."""
    return laboratory({"alone": "P", **found})


def test_state_is_the_cause_only_if_all_of_it_gives_the_serial_result() -> None:
    everything = "with the context of pytest's process"
    part = f"{everything}: recursion limit"
    cause = context(in_question({everything: "S", part: "S", f"{part}, run 2": "S"}))
    assert cause is not None
    assert (cause.name, cause.detail) == ("CONTEXT_NOT_PROPAGATED", "recursion limit")
    together = context(in_question({everything: "S"}))
    assert together is not None
    assert together.detail == "several values together"
    assert context(in_question({everything: "P", part: "S"})) is None
    assert context(laboratory({"alone": "S", everything: "S"})) is None
    assert global_state(in_question({everything: "S"})) is None


def test_isolation_is_suspected_if_a_fork_of_pytests_process_gives_the_serial_result() -> None:
    cause = isolation(in_question({"in a fork of pytest's process": "S"}))
    assert cause is not None
    assert (cause.name, cause.confirmed) == ("PROCESS_ISOLATION", False)
    assert isolation(in_question({})) is None
    assert isolation(laboratory({})) is None


def test_an_argument_that_a_pickle_changes_is_named_down_to_the_part() -> None:
    copies = "copies of its arguments from a pickle"
    found = {
        "in a fork of pytest's process": "S",
        f"with {copies}": "P",
        "list the parts of the arguments": [("argument", "model")],
        f"with the original model in {copies}": "S",
        "list the parts of model": [("attribute", "name"), ("attribute", "memo")],
        f"with the original model.name in {copies}": "P",
        f"with the original model.memo in {copies}": "S",
        "list the parts of model.memo": [],
        "describe model.memo": ["{1: 2}", "{}"],
    }
    cause = lost_input(in_question(found))
    assert cause is not None
    assert (cause.name, cause.detail, cause.confirmed) == ("SERIALIZATION", "input", True)
    assert "model.memo is {1: 2}, and its copy from a pickle is {}" in cause.evidence
    assert lost_input(in_question({**found, f"with {copies}": "S"})) is None
    assert lost_input(in_question({**found, "in a fork of pytest's process": "P"})) is None


class Marker:
    def __init__(self) -> None:
        self.uses = 0


MARKER = Marker()


def test_a_copy_of_arguments_keeps_the_part_that_is_asked_for() -> None:
    def case(model: Lossy, marks: tuple[list[Marker], int]) -> tuple[object, bool]:
        return model.memo, marks[0][0] is MARKER

    arguments: dict[str, Any] = {"model": Lossy(3), "marks": ([MARKER], 1)}
    memo: Any = (("argument", "model"), ("attribute", "memo"))
    mark: Any = (("argument", "marks"), ("item", 0), ("item", 0))
    assert Copied(())(case)(**arguments) == (None, False)
    assert Copied(memo)(case)(**arguments) == (3, False)
    assert Copied(mark)(case)(**arguments) == (None, True)
    assert Copied(())(lambda a, b: a is b)(MARKER, MARKER) is True
    assert Parts(())(case)(**arguments) == [("argument", "model"), ("argument", "marks")]
    assert Parts(memo[:1])(case)(**arguments) == [("attribute", "memo")]
    assert Parts(mark[:1])(case)(**arguments) == [("item", 0)]
    assert Described(memo)(case)(**arguments) == ["3", "None"]
    assert Described(mark)(case)(**arguments) == [show(MARKER), "another object"]
    assert described(memo) == "model.memo"
    assert described((("argument", 0), ("item", "key"))) == "argument 1['key']"


@pytest.mark.parametrize(
    ("needed", "found"),
    [
        ({4}, [4]),
        ({1, 7}, [1, 7]),
        ({0, 3, 9}, [0, 3, 9]),
        (set(range(10)), list(range(10))),
    ],
)
def test_the_smallest_set_of_earlier_cases_is_found(needed: set[int], found: list[int]) -> None:
    lab = laboratory({})
    lab.names = [f"test_it[{n}]" for n in range(11)]
    rounds = []

    class Given(dict[tuple[str, str], Outcome]):
        def __missing__(self, key: tuple[str, str]) -> Outcome:
            label = key[0].replace("after ", "").replace("test_it[", "").replace("]", "")
            earlier = {int(each) for each in label.split(", ")}
            return outcome("P" if needed <= earlier else "S")

        def __contains__(self, key: object) -> bool:
            rounds.append(key)
            return True

    lab._found = Given()
    assert list(smallest(lab, range(10), lab.are_parallel)) == found


def test_the_globals_of_a_function_include_the_values_of_classes_and_are_set_if_they_differ() -> (
    None
):
    places = set(globals_of(reads_globals))
    assert (__name__, "SETTINGS") in places
    assert (__name__, "Config.level") in places
    assert (__name__, "Plain.level") in places
    before = read_globals([(__name__, "Config.level"), (__name__, "nothing")])
    assert list(before) == [(__name__, "Config.level")]
    Config.level = 5
    try:
        assert reads_globals() == (5, 2, 3)
        assert Globals(before)(reads_globals)() == (1, 2, 3)
    finally:
        Config.level = 1


class Patched:
    def level(self) -> int:
        return 1


def level_of_patched() -> int:
    return Patched().level()


def test_functions_that_were_put_in_the_place_of_others_are_globals_too() -> None:
    place = (__name__, "Patched.level")
    before = read_globals([place])
    assert place not in set(globals_of(level_of_patched))
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(Patched, "level", lambda self: 7)
        assert place in set(globals_of(level_of_patched))
        here = read_globals([place])
    assert here != before
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(Patched, "level", Patched.level)  # is put back in the end
        assert level_of_patched() == 1
        assert Globals(here)(level_of_patched)() == 7
    assert level_of_patched() == 1


class Registry:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.formatter = SimpleNamespace(default="")


REGISTRY = Registry()


def default_of_the_registry() -> str:
    return str(REGISTRY.formatter.default)


def test_plain_attributes_of_an_instance_that_no_pickle_takes_are_globals() -> None:
    place = (__name__, "REGISTRY.formatter.default")
    assert place in set(globals_of(default_of_the_registry))
    assert list(read_globals([place, (__name__, "REGISTRY")])) == [place]
    before = read_globals([place])
    REGISTRY.formatter.default = "~P"
    assert Globals(before)(default_of_the_registry)() == ""


def test_a_single_global_is_the_cause_where_all_together_cannot_be_set() -> None:
    everything = "with the globals of pytest's process"
    part = f"{everything}: {__name__}.REGISTRY.formatter.default"
    found = {"alone": "P", everything: "T", part: "S", f"{part}, run 2": "S"}
    for known, name in (
        (found, f"{__name__}.REGISTRY.formatter.default"),
        ({**found, f"{part}, run 2": "P"}, None),
        ({**found, everything: "S", f"{everything}, run 2": "S", part: "P"}, "several values"),
    ):
        lab = laboratory(known)
        lab.function = default_of_the_registry
        cause = global_state(lab)
        assert (cause.detail if cause is not None else None) in (name, f"{name} together")


class Countless:
    """Items without end, which take up no memory."""

    def __reduce__(self) -> Any:
        return list, (), None, iter(int, 1)


COUNTLESS = Countless()


def test_a_global_that_is_too_large_is_given_up_before_all_of_it_is_pickled() -> None:
    assert read_globals([(__name__, "COUNTLESS"), (__name__, "SETTINGS")]) == {
        (__name__, "SETTINGS"): pickle.dumps(SETTINGS, protocol=5)
    }


class Plain:
    level = 2


class Config(Plain):
    level = 1

    @classmethod
    def all(cls) -> tuple[int, int, int]:
        return cls.level, Plain.level, SETTINGS["level"]


SETTINGS = {"level": 3}
CONFIG = Config()


def reads_globals() -> tuple[int, int, int]:
    return CONFIG.all()


LEVEL: ContextVar[int] = ContextVar("level", default=1)


OPTIONS = """
import csv, gc, logging, socket
import dask.config, pandas, polars
from pytest_parwork.verify.diagnosis.contexts import Context, changed_context, read_context

before = read_context()
for change, name in (
    ("pandas.set_option('display.max_colwidth', 7)", "pandas options"),
    ("logging.getLogger('app').setLevel('DEBUG')", "logging levels"),
    ("logging.disable(30)", "logging levels"),
    ("socket.setdefaulttimeout(3)", "socket default timeout"),
    ("csv.field_size_limit(9)", "csv field size limit"),
    ("gc.disable()", "garbage collector"),
    ("dask.config.set({'array.chunk-size': '80B'})", "dask configuration"),
    ("polars.Config.set_tbl_rows(2)", "polars configuration"),
):
    exec(change)
    after = read_context()
    assert name in changed_context(after, before), change
    Context({name: before[name]})(int)()
    assert name not in changed_context(read_context(), before), change
    Context({name: after[name]})(int)()
    assert name not in changed_context(read_context(), after), change
    Context({name: before[name]})(int)()
"""


def test_options_of_libraries_and_of_the_process_are_read_and_set() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", OPTIONS], timeout=60, check=True)


def test_a_context_variable_is_read_where_it_is_set_and_set_where_it_is_not() -> None:
    name = f"context variable {__name__}.LEVEL"
    assert name not in copy_context().run(read_context)

    def setting() -> dict[str, bytes]:
        LEVEL.set(3)
        return read_context()

    here = copy_context().run(setting)
    assert name in changed_context(here, copy_context().run(read_context))
    assert copy_context().run(Context({name: here[name]})(LEVEL.get)) == 3


def exhausted_after(
    *labels: str, found: Mapping[str, object] | None = None, start_method: str = "spawn"
) -> Laboratory:
    """Return a laboratory whose time is up before any experiment but these, and the case alone."""
    lab = laboratory(found or {}, start_method=start_method)
    full = lab._found
    lab._found = {
        (label, seed): full[label, seed]
        for label in ("alone", *(f"alone, run {n}" for n in range(2, 6)), *labels)
        for seed in ("1", "2")
    }
    lab.deadline = 0.0
    return lab


GENERATORS = (f"{SEEDED} 0", f"{SEEDED} 1")


@pytest.mark.parametrize(
    ("lab", "name", "first"),
    [
        (exhausted_after(), "WORKER_HISTORY", "global generator"),
        (exhausted_after(*GENERATORS), "WORKER_HISTORY", "worker history"),
        (
            exhausted_after(
                *GENERATORS,
                *(IN_WORKER, f"{IN_WORKER}, run 2", "watch what it writes"),
                found={"watch what it writes": ["/tmp/state"]},
            ),
            "SHARED_RESOURCE_RACE",
            "shared resource",
        ),
        (exhausted_after(start_method="thread"), "THREAD_RACE", "global generator"),
        (exhausted_after(found={"alone": "P"}), "CASE_ORDER", "global generator"),
        (exhausted_after(found={"alone": ("S", "T")}), "HASH_SEED", "global generator"),
        (
            exhausted_after(found={"alone": 1, "alone, run 2": 2}),
            "NONDETERMINISTIC_FUNCTION",
            "global generator",
        ),
        (exhausted_after(found={"alone": "T"}), "UNEXPLAINED", "global generator"),
    ],
)
def test_without_time_the_best_suspicion_is_named_with_the_probes_that_did_not_run(
    lab: Laboratory, name: str, first: str
) -> None:
    (cause,) = diagnose(lab)
    assert (cause.name, cause.confirmed) == (name, False)
    assert "the time of the diagnosis was up before the experiment: " in cause.evidence
    assert cause.not_run[0] == first
    assert cause.not_run[-1] == "chance"
    assert f"no time was left for {first}, " in dict(cause.rows())["not run"]


@pytest.mark.parametrize(("right", "name"), [("P", "THREAD_CONTEXT"), ("S", "THREAD_RACE")])
def test_without_time_what_threads_give_with_a_lock_speaks_for_their_context_or_a_race(
    right: str, name: str
) -> None:
    lab = raced_in_fork(right, "P")
    full = lab._found
    label = f"{LOCKED}, run 1"
    lab._found = {(label, FORK): full[label, FORK]}
    lab.deadline = 0.0
    (cause,) = diagnose(lab)
    assert (cause.name, cause.confirmed) == (name, False)


def test_what_has_run_to_its_end_is_not_suspected_any_more() -> None:
    held = {f"all sources fixed{more}": 1 for more in ("", ", again")}
    lab = exhausted_after(*GENERATORS, *held, found={"alone": 1, "alone, run 2": 2, **held})
    assert suspicion(lab, ["hash seed"], "no time") is None
    assert suspicion(lab, ["hash seed", "chance"], "no time") is not None


def test_libraries_are_imported_again_and_modules_of_the_project_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_module.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    assert import_all(["own_module", "colorsys", "no_such_module"])
    assert not import_all(["own_module", "no_such_module"])
    assert "colorsys" in sys.modules
    assert "own_module" not in sys.modules


LOCKED, RACED = "in threads, one after the other", "in threads, at the same time"


def raced_in_fork(right: object, wrong: object, *, serial: object = "S") -> Laboratory:
    """Return a laboratory whose calls in a fork of pytest's process gave these results."""
    here = "a fork of pytest's process"
    both = [("value", "other"), ("value", right)]
    found: dict[str, object] = {f"{LOCKED}, run {n} {here}": both for n in (1, 2)}
    found[f"{LOCKED}, backwards {here}"] = both[::-1]
    bad = [("value", "other"), ("value", wrong)]
    found |= {f"{RACED}, run {n} {here}": bad for n in range(1, 6)}
    return laboratory(found, start_method="thread", serial=serial)


def test_a_race_is_confirmed_in_a_fork_if_the_lock_gives_the_serial_result_there() -> None:
    cause = race_in_fork(raced_in_fork("S", "P"))
    assert cause is not None
    assert (cause.name, cause.confirmed) == ("THREAD_RACE", True)
    assert race_in_fork(raced_in_fork("S", "S")) is None
    assert race_in_fork(raced_in_fork("T", "P")) is None  # pytest's process is spoilt


def test_a_case_that_only_pytests_process_can_run_is_tried_in_forks_of_it() -> None:
    for wrong, name in (("P", "THREAD_RACE"), ("S", "UNEXPLAINED")):
        lab = raced_in_fork("S", wrong)
        lab.rerun = cast("Rerun", SimpleNamespace(unavailable={0: "a lock", 1: "a lock"}))
        (cause,) = diagnose(lab)
        assert cause.name == name
    assert cause.evidence == "the case cannot be run again: a lock"
