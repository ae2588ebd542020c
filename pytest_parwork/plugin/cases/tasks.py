"""Cases as tasks: their functions, and the values that these are given."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from ...model.work import Address, Task
from ...worker.fixtures.call import Performance
from ...worker.fixtures.recipe import PARAM, Left, Role, Stage
from ...worker.fixtures.tmp_path import leaf
from ..compat import argument_names
from .addresses import body_of
from .classes import left_in
from .company import limit_of
from .fixture_plans import SEED, bare_stage
from .forked import Forked
from .groups import Case
from .marks import Marks
from .seeds import seed_of

__all__ = ["Tasks"]


class Tasks:
    """Make the tasks of one run; `wide` are the values of the fixtures that `gate` has set up.

    Values that several cases share are the same objects, and travel once.
    """

    def __init__(self, wide: Mapping[str, object], gate: pytest.Item) -> None:
        self._wide = wide
        self._gate = gate
        self._addresses: dict[object, Address] = {}  # of test functions
        self._performances: dict[int, Performance] = {}  # by stage
        self._bare: dict[object, Stage] = {}  # of methods without fixtures of function scope
        self._left: dict[type | None, Left] = {}
        self._marks = Marks()
        self._folder = ""

    def task(self, case: Case) -> Task:
        """Return the task of a case."""
        item = case.item
        callspec = getattr(item, "callspec", None)
        params = callspec.params if callspec is not None else {}
        if case.stage is not None:
            play = self._in_fork if case.stage.by_pytest else self._on_stage
            return play(case, case.stage, params)
        values = {**params, **self._wide}
        place = (item.parent, item.originalname)
        if self._left_for(case):
            if place not in self._bare:
                self._bare[place] = bare_stage(item)
            return self._on_stage(case, self._bare[place], params)
        if place not in self._addresses:
            self._addresses[place] = body_of(item)
        return Task(
            id=case.id,
            function=_on_fresh_instance(item) if item.cls is not None else item.function,
            address=self._addresses[place],
            kwargs={name: values[name] for name in argument_names(item)},
            timeout=case.plan.timeout or limit_of(item),
        )

    def _on_stage(self, case: Case, stage: Stage, params: Mapping[str, object]) -> Task:
        """Return the task of a case whose fixtures of function scope are made where it runs."""
        item = case.item
        values = {**params, **self._wide}
        if SEED in stage.given:
            values[SEED] = seed_of(item)
        given = {name: values[name] for name in stage.given}
        for step in stage.steps:
            if step.name in params:
                given[PARAM.format(step.name)] = params[step.name]
            if step.maker in ("tmp_path", "tmp_path_factory"):
                case.folder = f"{self._folder_of(item)}/{leaf(item.name)}-{case.index}"
        if id(stage) not in self._performances:
            left = self._left_for(case)
            self._performances[id(stage)] = Performance(replace(stage, left=left or None))
        role = Role(item.name, case.id, case.folder)
        if stage.has_request:
            role = role._replace(marks=self._marks.of(item), keywords=tuple(item.keywords))
        return Task(
            id=case.id,
            function=self._performances[id(stage)],
            args=(role,),
            kwargs=given,
            timeout=case.plan.timeout or limit_of(item),
        )

    def _in_fork(self, case: Case, stage: Stage, params: Mapping[str, object]) -> Task:
        """Return the task of a case that pytest runs in a fork."""
        item = case.item
        values = {**params, **self._wide}
        if "tmp_path" in item.fixturenames:
            case.folder = str(self._factory().getbasetemp() / leaf(item.name))  # and a number
        return Task(
            id=case.id,
            function=Forked(case, self._gate),
            kwargs={name: values[name] for name in stage.given},
            timeout=case.plan.timeout or limit_of(item),
            is_inherited=True,
        )

    def _left_for(self, case: Case) -> Left:
        """Return what set-up has left in the class of a case."""
        cls = case.item.cls
        if cls not in self._left:
            self._left[cls] = left_in(cls, case.group.imported)
        return self._left[cls]

    def _folder_of(self, item: pytest.Function) -> str:
        """Return the folder around those of all cases, below the session's own."""
        if not self._folder:
            self._folder = str(self._factory().mktemp(f"parwork-{leaf(item.originalname)}"))
        return self._folder

    def _factory(self) -> pytest.TempPathFactory:
        factory = self._wide["tmp_path_factory"]  # whoever asks for tmp_path asks for it too
        assert isinstance(factory, pytest.TempPathFactory)
        return factory


def _on_fresh_instance(item: pytest.Function) -> Callable[..., object]:
    """Return the method as threads call it: on an instance of its own, as pytest does."""

    @functools.wraps(item.function)
    def call(**kwargs: object) -> object:
        assert item.cls is not None
        method: Callable[..., object] = getattr(item.cls(), item.originalname)
        return method(**kwargs)

    return call
