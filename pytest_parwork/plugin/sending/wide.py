"""What the cases of a run share: fixtures wider than function scope and, in threads, filters."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import pytest

from ...report.entries import FILTERS
from ..cases.groups import Case, Group
from ..cases.lazy import lazy_defs
from ..cases.matrix import parameters_of
from ..compat import fixture_defs, hidden_fixtures, scope_of
from ..config.registry import backend_named
from ..session.capturing import filter_marks
from .stand_ins import FOLDERS

#: Fixtures of pytest and xdist whose set-up nobody can see: it only returns what is there.
INVISIBLE = frozenset(
    (
        "doctest_namespace",
        "pytestconfig",
        "record_testsuite_property",
        "testrun_uid",
        "tmp_path_factory",
        "tmpdir_factory",
        "worker_id",
    )
)

#: The prefix of the fixture that pytest makes for `setUpClass`.
_SET_UP_CLASS = "_unittest_setUpClass_fixture_"

#: The fixtures that pytest makes for set-up functions; their names end in those of class or module.
_XUNIT = re.compile(r"_(?:xunit|unittest)_(\w+?)_fixture_.*", re.DOTALL)


def wide_names(item: pytest.Function) -> list[str]:
    """Return the fixtures wider than function scope, in pytest's order."""
    lazy = lazy_defs(item)
    defs = {**lazy, **fixture_defs(item)}
    if not defs:
        return []
    names = dict.fromkeys((*item.fixturenames, *hidden_fixtures(item), *lazy))
    return [name for name in names if name in defs and scope_of(defs[name], item) != "function"]


def union_of_wide_names(cases: Iterable[Case]) -> list[str]:
    """Return the wide fixtures of cases that run together.

    They differ in invisible ones, and in those that lazy parameters ask for.
    """
    found: dict[str, None] = {}
    seen: set[tuple[object, ...]] = set()
    for case in cases:
        test = (id(case.item.parent), case.item.originalname, *lazy_defs(case.item))
        if test not in seen:
            seen.add(test)
            names = wide_names(case.item)  # but those of its own class, which others do not have
            found.update(dict.fromkeys(n for n in names if not _is_empty(n, case.item)))
            steps = case.fixtures.steps if case.fixtures is not None else ()
            if any(step.maker in FOLDERS for step in steps):  # perhaps of one that comes late
                found["tmp_path_factory"] = None
    return list(found)


class Sets:
    """The cases of each group by the wide fixtures that they share: cases of a set run together.

    Where they may run in threads of one process, they also have the same marks with warning
    filters. Up to Python 3.13 these are of the whole process, so that each case would run under
    those of another one; the gate sets those of its set.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._has_filters = config.pluginmanager.has_plugin("warnings")
        self._around: dict[int, tuple[object, ...]] = {}
        self._sets: dict[Group, dict[Hashable, list[Case]]] = {}
        self._names: dict[tuple[object, ...], Sequence[tuple[str, tuple[Hashable, ...]]]] = {}

    def around(self, case: Case) -> Sequence[Case]:
        """Return the cases that can run together with this one, and the case itself."""
        has_filters = self._is_split_by_filters(case.group)
        if case.group not in self._sets:
            sets: dict[Hashable, list[Case]] = {}
            for each in case.group.cases:
                sets.setdefault(self._key(each, has_filters=has_filters), []).append(each)
            self._sets[case.group] = sets
        return self._sets[case.group][self._key(case, has_filters=has_filters)]

    def names_of(self, case: Case) -> tuple[str, ...]:
        """Return what the cases of a run share, by the names that users know."""
        fixtures = () if case.group.scope == "function" else shown_names(case.item)
        has_filters = self._is_split_by_filters(case.group)
        is_split = has_filters and any(filter_marks(case.item, self._around))
        return (*fixtures, FILTERS) if is_split else fixtures

    def _key(self, case: Case, *, has_filters: bool) -> Hashable:
        filters = filter_marks(case.item, self._around) if has_filters else ()
        return self._key_of_fixtures(case), filters

    def _is_split_by_filters(self, group: Group) -> bool:
        """Return whether cases of a group may run in threads of one process.

        A worker of a cluster may have several threads.
        """
        backend = group.plan.configuration.backend
        return self._has_filters and backend_named(self._config, backend).reach != "machine"

    def _key_of_fixtures(self, case: Case) -> Hashable:
        """Return the same for cases with the same wide fixtures and parameters of these.

        In a workload of wider scope tests differ in the fixtures that they use, and a fixture in
        the node that pytest makes it for. An index is not enough there: each test may have values
        of its own for the same fixture.
        """
        item = case.item
        names = self._names_of(item)
        if not names:
            return ()
        places = dict(parameters_of(item))
        if case.group.scope == "function":
            return tuple((name, places[name]) for name, _ in names if name in places)
        return tuple(
            (*owner, places[name], id(item.callspec.params.get(name))) if name in places else owner
            for name, owner in names
        )

    def _names_of(self, item: pytest.Function) -> Sequence[tuple[str, tuple[Hashable, ...]]]:
        """Return the wide fixtures whose set-up can be seen, each with what it is made for."""
        lazy = lazy_defs(item)
        # By ids: all cases of a test have the same list of names, and the session keeps the nodes.
        test = (id(item.parent), item.originalname, id(item.fixturenames), *lazy)
        if test not in self._names:
            defs = {**lazy, **fixture_defs(item)}
            self._names[test] = [
                (name, (id(defs[name]), _node_of(defs[name], item)))
                for name in wide_names(item)
                if name not in INVISIBLE and not _is_empty(name, item)
            ]
        return self._names[test]


def is_current(case: Case) -> bool:
    """Return whether every wide value that was sent is still that of its fixture."""
    if case.sent.run is None:
        return False
    wide = case.sent.run.wide
    defs = {**lazy_defs(case.item), **fixture_defs(case.item)} if wide else {}
    for name, value in wide.items():
        if name not in defs:
            continue  # another case of the run uses it
        cached = defs[name].cached_result
        if cached is None or cached[0] is not value:
            return False
    return True


def shown_names(item: pytest.Function) -> tuple[str, ...]:
    """Return the wide fixtures whose set-up can be seen, by the names that users know."""
    names = [n for n in wide_names(item) if n not in INVISIBLE and not _is_empty(n, item)]
    return tuple(dict.fromkeys(_XUNIT.sub(r"\1", name) for name in names))


def _node_of(definition: pytest.FixtureDef[Any], item: pytest.Function) -> pytest.Collector | None:
    """Return the node that a fixture is made for; None where the fixture itself says it."""
    if definition.scope == "class":
        return item.getparent(pytest.Class)
    return item.getparent(pytest.Module) if definition.scope == "module" else None


def _is_empty(name: str, item: pytest.Function) -> bool:
    """Return whether it is the fixture for the inherited `setUpClass`, which does nothing."""
    if not name.startswith(_SET_UP_CLASS):
        return False
    from unittest import TestCase  # only a suite that uses it has such a fixture

    return all(
        getattr(getattr(item.cls, method), "__func__", None) is getattr(TestCase, method).__func__
        for method in ("setUpClass", "tearDownClass")
    )
