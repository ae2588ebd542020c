"""The tasks of cases: their functions and arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ...model.work import Address, Task
from ...transport.pickling import dumps
from ...worker.fixtures.recipe import PARAM, CaseFacts, ClassState, FixturePlan, SentMark
from ..cases.bodies import Body, class_of
from ..cases.company import drawing_of, is_any_limited, limit_of
from ..cases.groups import Case
from ..cases.lazy import fresh
from ..compat import argument_names
from .addresses import body_of
from .fixture_plans import SEED, no_fixtures_of
from .seeding import parwork_seed_of
from .stand_ins import FOLDERS

if TYPE_CHECKING:
    from ...worker.fixtures.call import CaseCall
    from ...worker.fixtures.configuration import SentConfig


class Tasks:
    """Makes the tasks of one run; `wide` are the values of the fixtures that `gate` set up.

    Values that several cases share are the same objects, and are sent once.
    """

    def __init__(self, wide: Mapping[str, object], gate: pytest.Item) -> None:
        self._wide = wide
        self._gate = gate
        self._addresses: dict[tuple[int, str], Address] = {}  # of test functions
        self._functions: dict[int, Callable[..., object]] = {}  # by id of what pytest calls
        self._calls: dict[int, CaseCall] = {}  # by id of the fixture plan
        self._bare: dict[tuple[int, str], FixturePlan] = {}  # of methods without such fixtures
        self._states: dict[type | None, ClassState] = {}
        self._are_limited = is_any_limited(gate.config)
        self._marks = _Marks()
        self._folder = ""

    def task(self, case: Case) -> Task:
        """Return the task of a case."""
        item = case.item
        callspec = getattr(item, "callspec", None)
        params = fresh(callspec.params) if callspec is not None else {}
        if case.fixtures is not None:
            make = self._in_fork if case.fixtures.by_pytest else self._with_fixtures
            return make(case, case.fixtures, params)
        values = {**params, **self._wide}
        place = (id(item.parent), item.originalname)  # the session keeps it: its hash is slow
        cls = class_of(item)
        if (cls is not None and self._state_for(case)) or drawing_of(item) is not None:
            if place not in self._bare:
                self._bare[place] = no_fixtures_of(item)
            return self._with_fixtures(case, self._bare[place], params)
        if place not in self._addresses:
            self._addresses[place] = body_of(item)
        return Task(
            id=case.id,
            function=self._function_of(item) if cls is None else _on_fresh_instance(item),
            address=self._addresses[place],
            kwargs={name: values[name] for name in argument_names(item)},
            timeout=self._limit_of(case),
            test=item.nodeid,
        )

    def _function_of(self, item: pytest.Function) -> Callable[..., object]:
        """Return the body of a test function, searched once for all its cases."""
        key = id(item.obj)  # which the item keeps alive
        if key not in self._functions:
            self._functions[key] = Body(item).function
        return self._functions[key]

    def _with_fixtures(
        self, case: Case, fixtures: FixturePlan, params: Mapping[str, object]
    ) -> Task:
        """Return the task of a case whose function-scoped fixtures are set up in the worker."""
        # Here, in pytest's process and before it is forked, because not every run needs them.
        from ...worker.fixtures.call import CaseCall
        from ...worker.fixtures.tmp_path import leaf

        item = case.item
        values = {**params, **self._wide}
        if SEED in fixtures.given:
            values[SEED] = parwork_seed_of(item)
        given = {name: values[name] for name in fixtures.given}
        for step in fixtures.steps:
            if step.name in params:
                given[PARAM.format(step.name)] = params[step.name]
            if step.maker in FOLDERS:
                case.sent.folder = f"{self._folder_of(item)}/{leaf(item.name)}-{case.index}"
        if id(fixtures) not in self._calls:
            state = self._state_for(case)
            config = _config_of(item) if fixtures.has_config else None
            self._calls[id(fixtures)] = CaseCall(
                replace(
                    fixtures, class_state=state or None, config=config, drawing=drawing_of(item)
                )
            )
        facts = CaseFacts(item.name, item.nodeid, case.sent.folder)
        if fixtures.has_request:
            facts = facts._replace(
                marks=self._marks.of(item),
                keywords=tuple(item.keywords),
                names=_names_of(type(item), tuple(vars(item))),
            )
        return Task(
            id=case.id,
            function=self._calls[id(fixtures)],
            args=(facts,),
            kwargs=given,
            timeout=self._limit_of(case),
        )

    def _in_fork(self, case: Case, fixtures: FixturePlan, params: Mapping[str, object]) -> Task:
        """Return the task of a case that pytest runs in a fork."""
        from ...worker.fixtures.tmp_path import leaf
        from .forked import Forked

        item = case.item
        values = {**params, **self._wide}
        if "tmp_path" in item.fixturenames:  # pytest appends a number to the folder
            case.sent.folder = str(self._factory().getbasetemp() / leaf(item.name))
        return Task(
            id=case.id,
            function=Forked(case, self._gate),
            kwargs={name: values[name] for name in fixtures.given},
            timeout=self._limit_of(case),
            is_inherited=True,
        )

    def _limit_of(self, case: Case) -> float | None:
        return case.plan.timeout or (limit_of(case.item) if self._are_limited else None)

    def _state_for(self, case: Case) -> ClassState:
        """Return the attributes that set-up added to the class of a case."""
        cls = class_of(case.item)
        if cls not in self._states:
            self._states[cls] = _state_of(cls, case.group.imported.get(cls, {}))
        return self._states[cls]

    def _folder_of(self, item: pytest.Function) -> str:
        """Return the folder that contains those of all cases, below the session's own."""
        if not self._folder:
            from ...worker.fixtures.tmp_path import leaf

            self._folder = str(self._factory().mktemp(f"parwork-{leaf(item.originalname)}"))
        return self._folder

    def _factory(self) -> pytest.TempPathFactory:
        factory = self._wide["tmp_path_factory"]  # tmp_path requests it too
        assert isinstance(factory, pytest.TempPathFactory)
        return factory


@functools.cache
def _names_of(kind: type[pytest.Item], own: tuple[str, ...]) -> frozenset[str]:
    """Return the names of all attributes of an item; those of most items are one object."""
    return frozenset((*dir(kind), *own))


def _config_of(item: pytest.Item) -> SentConfig:
    from .pictures import sent_config  # most cases do not ask for the configuration

    return sent_config(item.config)


def _on_fresh_instance(item: pytest.Function) -> Callable[..., object]:
    """Return the method for calls in threads: each on a new instance, as in pytest."""

    @functools.wraps(item.function)
    def call(**kwargs: object) -> object:
        assert item.cls is not None
        method: Callable[..., object] = getattr(item.cls(), item.originalname)
        return method(**kwargs)

    return call


def _state_of(cls: type | None, imported: Mapping[str, object]) -> ClassState:
    """Return the attributes that a class did not have when it was imported."""
    held = {} if cls is None else vars(cls)
    fresh = {
        name: value
        for name, value in held.items()
        if not (name.startswith("__") or (name in imported and imported[name] is value))
    }
    try:
        dumps(fresh, [])
    except Exception:
        missing = {name: why for name, value in fresh.items() if (why := _why_not(value))}
        return ClassState(
            values={name: value for name, value in fresh.items() if name not in missing},
            missing=missing,
        )
    return ClassState(values=fresh, missing={})


def _why_not(value: object) -> str:
    """Return why a value cannot be sent, empty if it can."""
    try:
        dumps(value, [])
    except Exception as error:
        from ...transport.culprit import explain

        return explain(value, error)
    return ""


class _Marks:
    """Serialises marks, each once: cases of a test share most of their marks."""

    def __init__(self) -> None:
        self._sent: dict[int, SentMark] = {}

    def of(self, item: pytest.Item) -> tuple[SentMark, ...]:
        """Return the marks of an item, the closest first."""
        return tuple(self._serialised(mark) for mark in item.iter_markers())

    def _serialised(self, mark: pytest.Mark) -> SentMark:
        if id(mark) not in self._sent:  # its item keeps the mark alive for the whole session
            self._sent[id(mark)] = _as_sent(mark)
        return self._sent[id(mark)]


def _as_sent(mark: pytest.Mark) -> SentMark:
    if mark.name == "parametrize":  # it contains all values of all cases
        return SentMark(mark.name, "they hold all cases; use the arguments of the test instead")
    holds = (mark.args, dict(mark.kwargs))
    try:
        return SentMark(mark.name, dumps(holds))
    except Exception as error:
        from ...transport.culprit import explain

        return SentMark(mark.name, f"they cannot be sent: {explain(holds, error)}")
