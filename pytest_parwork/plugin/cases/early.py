"""Workers that start while pytest still collects, if they are certain to be needed."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from contextlib import suppress

import pytest

from ...backends.protocol import Early
from ...machine import budget
from ...model.work import Configuration
from ..config.options import is_fanned_out
from ..config.registry import backend_named, changes, guard

#: Options of pytest that may deselect cases, or prevent them from running.
_CHOOSING = (
    "keyword",
    "markexpr",
    "deselect",
    "lf",
    "stepwise",
    "collectonly",
    "showfixtures",
    "show_fixtures_per_test",
)


def start_early(metafunc: pytest.Metafunc, configurations: Iterable[Configuration]) -> None:
    """Start the workers for the cases of a test, except under pytest-xdist.

    There another process may get the test. An error is ignored: it is raised again when the workers
    are needed.
    """
    config = metafunc.config
    is_chosen = any(config.getoption(name, default=None) for name in _CHOOSING)
    if is_chosen or not is_fanned_out(config) or hasattr(config, "workerinput"):
        return
    for configuration in configurations:
        backend = backend_named(config, configuration.backend)
        if not isinstance(backend, Early):
            continue
        workers = budget.resolve(configuration.workers).workers  # this reads files of the system
        if _at_least(metafunc.definition) >= workers:
            from ...worker.arrival import Arrival

            with suppress(Exception):
                # Nearly every test module imports pytest, which takes as long as all other imports.
                arrive = Arrival(guard(config).registry(), workers, imports=("pytest",))
                changes(config).note()
                with guard(config).marking():
                    backend.start_early(workers, arrive)


def _at_least(test: pytest.Function) -> int:
    """Return the least number of cases that a test has, 0 if it is unknown."""
    if any(mark.name in ("skip", "skipif") for mark in test.iter_markers()):
        return 0
    cases = 1
    for mark in test.iter_markers("parametrize"):
        values = mark.args[1] if len(mark.args) > 1 else mark.kwargs.get("argvalues")
        cases *= len(values) if isinstance(values, Sized) else 0
    return cases
