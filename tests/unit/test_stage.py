"""A case on its fixtures: set up, called and torn down, without pytest."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from pytest_parwork.machine.clock import host
from pytest_parwork.machine.deadline import TimedOut
from pytest_parwork.model.errors import FixtureError
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.model.work import Address
from pytest_parwork.transport.failures import describe, survivor
from pytest_parwork.worker.fixtures.call import CaseCall
from pytest_parwork.worker.fixtures.ended import Ended, leaves, unfold
from pytest_parwork.worker.fixtures.recipe import CaseFacts, FixturePlan, Step
from pytest_parwork.worker.fixtures.tmp_path import Folders, new_folder, new_folders
from pytest_parwork.worker.results import Copied

HOME = (host(), os.getpid())

log: list[str] = []


@pytest.fixture(autouse=True)
def _empty_log() -> Iterator[None]:
    log.clear()
    yield
    log.clear()


def body(value: object = None) -> object:
    log.append(f"body {value}")
    return value


def failing(value: object = None) -> object:
    raise KeyError(value)


@pytest.fixture
def _decorated(value: int) -> int:
    return value + 1


class Thing:
    def body(self, value: object) -> object:
        return self, value

    def made(self) -> Thing:
        return self


def stage(
    *steps: Step,
    body: str = "body",
    classes: tuple[str, ...] = (),
    arguments: Mapping[str, str] | None = None,
    given: tuple[str, ...] = (),
    home: tuple[str, int] = HOME,
) -> FixturePlan:
    return FixturePlan(
        body=Address(module=__name__, classes=classes, attribute=body),
        arguments={} if arguments is None else arguments,
        steps=steps,
        given=given,
        home=home,
    )


def step(
    name: str, maker: Callable[..., object] | Address | str, *, key: str = "", **fields: Any
) -> Step:
    return Step(key=key or name, name=name, maker=maker, **fields)


def perform(of: FixturePlan, **given: object) -> object:
    result = CaseCall(of)(CaseFacts("test_it[1]", "test_it.py::test_it[1]"), **given)
    return result.read() if isinstance(result, Copied) else result


def yielding(name: str) -> Callable[[], Iterator[str]]:
    def made() -> Iterator[str]:
        log.append(f"{name} up")
        yield name
        log.append(f"{name} down")

    return made


class TestOrder:
    def test_steps_are_made_in_turn_and_torn_down_backwards(self) -> None:
        of = stage(
            step("one", yielding("one")), step("two", yielding("two")), arguments={"value": "one"}
        )
        assert perform(of) == "one"
        assert log == ["one up", "two up", "body one", "two down", "one down"]

    def test_what_a_step_asks_for_is_made_before_it(self) -> None:
        def first(later: str) -> str:
            return f"first of {later}"

        of = stage(
            step("first", first, arguments={"later": "later"}),
            step("later", yielding("later")),
            arguments={"value": "first"},
        )
        assert perform(of) == "first of later"

    def test_one_that_is_overridden_has_a_key_of_its_own(self) -> None:
        def outer(value: str) -> str:
            return f"outer {value}"

        of = stage(
            step("value", lambda: "inner", key="value^2"),
            step("value", outer, arguments={"value": "value^2"}),
            arguments={"value": "value"},
        )
        assert perform(of) == "outer inner"

    def test_a_decorated_function_is_found_by_its_address(self) -> None:
        maker = Address(module=__name__, attribute="_decorated")
        of = stage(
            step("made", maker, arguments={"value": "n"}),
            arguments={"value": "made"},
            given=("n",),
        )
        assert perform(of, n=2) == 3

    def test_methods_share_the_instance(self) -> None:
        maker = Address(module=__name__, classes=("Thing",), attribute="made")
        of = stage(
            step("made", maker, binding="instance"),
            body="body",
            classes=("Thing",),
            arguments={"value": "made"},
        )
        one, other = perform(of), perform(of)
        assert isinstance(one, tuple)
        assert isinstance(other, tuple)
        assert one[0] is one[1]
        assert one[0] is not other[0]


class TestFailures:
    def failing(self) -> object:
        raise OSError(2, "no data")

    def broken(self) -> Iterator[int]:
        yield 1
        raise OSError("stuck")

    def test_of_the_body_are_raised_as_they_are(self) -> None:
        of = stage(step("one", yielding("one")), body="failing", arguments={"value": "one"})
        with pytest.raises(KeyError, match="one"):
            perform(of)
        assert log == ["one up", "one down"]

    def test_of_the_set_up_say_so_and_tear_down_what_there_was(self) -> None:
        of = stage(step("one", yielding("one")), step("two", self.failing))
        with pytest.raises(Ended) as caught:
            perform(of)
        assert caught.value.phase == "setup"
        assert caught.value.error is not None
        assert caught.value.error.type == "FileNotFoundError"
        assert caught.value.torn == ()
        assert log == ["one up", "one down"]

    def test_of_the_tear_down_come_with_the_value(self) -> None:
        of = stage(step("one", self.broken), step("two", self.broken), arguments={"value": "one"})
        with pytest.raises(Ended) as caught:
            perform(of)
        assert caught.value.value == 1
        assert caught.value.error is None
        assert [failure.text for failure in caught.value.torn] == ["stuck", "stuck"]

    def test_a_skip_in_the_set_up_is_raised_as_it_is(self) -> None:
        def skipping() -> None:
            pytest.skip("no data")

        with pytest.raises(pytest.skip.Exception):
            perform(stage(step("one", skipping)))

    def test_the_end_of_its_time_is_raised_as_it_is(self) -> None:
        def late() -> None:
            raise TimedOut

        with pytest.raises(TimedOut):
            perform(stage(step("one", yielding("one")), step("two", late)))
        assert log == ["one up", "one down"]

    def test_frames_of_the_stage_are_left_out_of_the_traceback(self) -> None:
        with pytest.raises(Ended) as caught:
            perform(stage(step("two", self.failing)))
        assert caught.value.error is not None
        assert "in failing" in caught.value.error.traceback
        assert "stage" not in caught.value.error.traceback.replace("test_stage", "")


class TestTravel:
    def test_a_performance_finds_its_functions_where_it_arrives(self) -> None:
        maker = Address(module=__name__, attribute="_decorated")
        of = stage(
            step("made", maker, arguments={"value": "n"}), arguments={"value": "made"}, given=("n",)
        )
        arrived = pickle.loads(pickle.dumps(CaseCall(of)))
        assert arrived(CaseFacts("", ""), n=1) == 2

    def test_what_is_not_there_is_told_by_each_case(self) -> None:
        of = stage(step("made", Address(module="no_such_module", attribute="made")))
        arrived = pickle.loads(pickle.dumps(CaseCall(of)))
        for _ in range(2):
            with pytest.raises(ModuleNotFoundError):
                arrived(CaseFacts("", ""))

    @pytest.mark.parametrize("error", [None, OSError(2, "no data")])
    def test_an_end_comes_back_as_it_was(self, error: OSError | None) -> None:
        ended = Ended.of("call", [1], error, [KeyError("stuck")])
        data = survivor(ended)
        assert data is not None
        outcome = unfold(
            Outcome(kind="failure", failure=describe(ended, pickle.loads(data)), worker=2)
        )
        assert outcome.worker == 2
        assert [repr(torn.exception) for torn in outcome.torn] == ["KeyError('stuck')"]
        if error is None:
            assert (outcome.kind, outcome.value, outcome.failure) == ("value", [1], None)
        else:
            assert outcome.kind == "failure"
            assert outcome.failure is not None
            assert outcome.failure.exception is not None
            assert outcome.failure.exception.args == error.args

    def test_a_value_that_cannot_be_sent_is_not_sent(self) -> None:
        data = survivor(Ended.of("call", threading.Lock(), None, [KeyError("stuck")]))
        assert data is not None
        back = pickle.loads(data)
        outcome = unfold(Outcome(kind="failure", failure=describe(back, back)))
        assert outcome.kind == "not_sent"
        assert outcome.not_sent is not None
        assert "the result cannot be sent back from a worker" in outcome.not_sent.detail
        assert len(outcome.torn) == 1

    def test_an_outcome_of_another_kind_stays_as_it_is(self) -> None:
        outcome = Outcome(kind="value", value=1)
        assert unfold(outcome) is outcome


def test_the_leaves_of_a_group_come_in_the_order_of_their_raising() -> None:
    class BaseExceptionGroup(Exception):  # as in Python 3.11 and its backport
        def __init__(self, *exceptions: Exception) -> None:
            super().__init__()
            self.exceptions = exceptions

    first, second, third = KeyError(1), KeyError(2), KeyError(3)
    assert leaves(BaseExceptionGroup(third, BaseExceptionGroup(second, first))) == [
        first,
        second,
        third,
    ]
    assert leaves(first) == [first]


class TestRequest:
    def ask(self, asked: Callable[[Any], object], **given: object) -> object:
        def made(request: Any) -> object:
            return asked(request)

        steps = [
            step("made", made, arguments={"request": "request"}),
            step("other", yielding("other")),
        ]
        return perform(stage(*steps, arguments={"value": "made"}, given=tuple(given)), **given)

    def test_it_knows_the_case(self) -> None:
        assert self.ask(lambda r: (r.node.name, r.node.nodeid)) == (
            "test_it[1]",
            "test_it.py::test_it[1]",
        )
        assert self.ask(lambda r: r.function) is body
        assert self.ask(lambda r: r.module.__name__) == __name__
        assert self.ask(lambda r: (r.cls, r.instance, r.scope)) == (None, None, "function")

    def test_its_parameter_is_that_of_the_fixture(self) -> None:
        assert self.ask(lambda r: r.param, **{"made.param": 3}) == 3
        assert self.ask(lambda r: getattr(r, "param", "none")) == "none"

    def test_getfixturevalue(self) -> None:
        assert self.ask(lambda r: r.getfixturevalue("other")) == "other"
        assert self.ask(lambda r: r.getfixturevalue("n"), n=4) == 4
        assert self.ask(lambda r: r.getfixturevalue("request") is r) is True

    @pytest.mark.parametrize("name", ["made", "unknown"])
    def test_of_what_is_not_known_it_says_what_to_do(self, name: str) -> None:
        with pytest.raises(Ended) as caught:
            self.ask(lambda r: r.getfixturevalue(name))
        assert caught.value.error is not None
        assert f"add usefixtures({name!r})" in caught.value.error.text

    @pytest.mark.parametrize("name", ["_pyfuncitem", "raiseerror"])
    def test_an_unsupported_attribute_is_an_error_that_names_it(self, name: str) -> None:
        with pytest.raises(Ended) as caught:
            self.ask(lambda r: getattr(r, name))
        assert caught.value.error is not None
        assert caught.value.error.type == FixtureError.__name__
        assert caught.value.error.text.startswith(f"request.{name} is not available in a worker")


class TestFolders:
    def test_the_wanted_folder_or_one_next_to_it(self, tmp_path: Any) -> None:
        wanted = str(tmp_path / "case-1")
        first = next(new_folder(wanted, HOME, lambda: True))
        second = next(new_folder(wanted, HOME, lambda: True))
        assert str(first) == wanted
        assert str(second) == f"{wanted}0"

    @pytest.mark.parametrize("is_kept", [True, False])
    def test_it_is_removed_if_it_is_not_to_be_kept(self, tmp_path: Any, is_kept: bool) -> None:
        (folder,) = new_folder(str(tmp_path / "case"), HOME, lambda: is_kept)
        assert folder.exists() is is_kept

    def test_elsewhere_it_is_temporary(self, tmp_path: Any) -> None:
        making = new_folder(str(tmp_path / "case"), ("another host", 1), lambda: True)
        folder = next(making)
        assert folder.is_dir()
        assert folder.parent != tmp_path
        assert next(making, None) is None
        assert not folder.exists()

    def test_a_factory_makes_them_inside(self, tmp_path: Any) -> None:
        making = new_folders(str(tmp_path / "made"), HOME, lambda: True)
        factory = next(making)
        assert isinstance(factory, Folders)
        names = [factory.mktemp("a").name, factory.mktemp("a").name]
        assert [*names, factory.mktemp("b", numbered=False).name] == ["a0", "a1", "b"]


class TestBesideOthers:
    def test_what_changes_the_process_is_refused_in_its_threads(self) -> None:
        of = stage(step("monkeypatch", yielding("monkeypatch")))
        errors: list[BaseException] = []

        def run() -> None:
            try:
                perform(of)
            except FixtureError as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join(10)
        assert "'monkeypatch' changes the whole process" in str(errors[0])
        assert log == []

    def test_elsewhere_one_case_waits_for_the_other(self) -> None:
        inside = threading.Barrier(2)
        most: list[int] = []
        now: list[int] = []

        def made() -> Iterator[None]:
            now.append(1)
            most.append(len(now))
            with pytest.raises(threading.BrokenBarrierError):
                inside.wait(0.05)  # nobody else comes
            inside.reset()
            yield
            now.pop()

        of = stage(step("monkeypatch", made), home=("another host", 1))
        threads = [threading.Thread(target=perform, args=(of,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert most == [1, 1]
