"""Workers that start while pytest collects, where it is clear that they will be needed."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from contextlib import suppress

import pytest

from ...backends.protocol import Early
from ...machine import budget
from ...model.work import Configuration
from ...worker.processes import Arrival
from ..config.options import is_fanned_out
from ..config.settings import backend_named, guard

#: Options of pytest with which the cases of a test may not run, or not all of them.
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
    """Have the workers start on which the cases of a test will run, but under pytest-xdist.

    There another process may get the test. What goes wrong is told where they are needed.
    """
    config = metafunc.config
    is_chosen = any(config.getoption(name, default=None) for name in _CHOOSING)
    if is_chosen or not is_fanned_out(config) or hasattr(config, "workerinput"):
        return
    cases = _at_least(metafunc.definition)
    for configuration in configurations:
        backend = backend_named(config, configuration.backend)
        workers = budget.resolve(configuration.workers).workers
        if isinstance(backend, Early) and cases >= workers:
            with suppress(Exception):
                # Nearly every test module imports pytest, which takes as long as all of the rest.
                arrive = Arrival(guard(config).registry(), workers, imports=("pytest",))
                with guard(config).marking():
                    backend.start_early(workers, arrive)


def _at_least(test: pytest.Function) -> int:
    """Return how many cases a test has at least, 0 where that is not known."""
    if any(mark.name in ("skip", "skipif") for mark in test.iter_markers()):
        return 0
    cases = 1
    for mark in test.iter_markers("parametrize"):
        values = mark.args[1] if len(mark.args) > 1 else mark.kwargs.get("argvalues")
        cases *= len(values) if isinstance(values, Sized) else 0
    return cases
