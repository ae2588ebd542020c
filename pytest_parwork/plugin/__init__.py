"""The pytest plugin: hooks, each of which calls the module that does the work.

Imports inside a hook are not needed by a session without parwork, which must not pay for them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from ..model.errors import UsageError
from . import hookspecs
from .config import options
from .config.defaults import check_given
from .config.marks import has_mark, is_only_listed, near_misses
from .session.reporting import REPORTING, RUNNING, TABLES, Reporting, Tables

if TYPE_CHECKING:
    from ..backends.protocol import Backend
    from .calls.fixture import Parwork
    from .collecting.collection import Collected
    from .collecting.mistakes import Mistakes

#: The tests for authors of backends, whose assertions are to show their values.
TESTING = "pytest_parwork.testing"

_COLLECTED = pytest.StashKey["Collected"]()
_MISTAKES = pytest.StashKey["Mistakes"]()
_UNMARKED = pytest.StashKey[dict[tuple[object, str], int]]()
_IN_USE = pytest.StashKey[bool]()
_INSIDE = pytest.StashKey[bool]()

#: pytest sets it while a test runs. If it is set when a session begins, a test runs that session.
CURRENT_TEST = "PYTEST_CURRENT_TEST"


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)  # before another plugin sets variables
def pytest_configure(config: pytest.Config) -> None:
    config.stash[options.ENVIRONMENT] = dict(os.environ)
    config.addinivalue_line("markers", options.marker_line())
    options.note_width(config)
    if TESTING not in sys.modules:  # pytest does so by itself only for what is no editable install
        pytest.register_assert_rewrite(TESTING)
    config.stash[_INSIDE] = CURRENT_TEST in os.environ
    try:
        check_given(config)
        options.note_all(config)
        files = options.report_files(config)
        config.stash[options.RECORDS] = bool(files)
        options.seed(config)
        if options.is_default_given(config):
            from .config.settings import check_defaults

            check_defaults(config)
        if options.stress(config):
            from .stress.asking import check_stress

            check_stress(config)
        if not hasattr(config, "workerinput"):  # xdist: reports are shown by the controller
            options.check_files(files)
            config.pluginmanager.register(Reporting(config, files), REPORTING)
        config.pluginmanager.register(Tables(), TABLES)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_parwork_backends() -> Mapping[str, Backend]:
    from ..backends import bundled

    return bundled()


@pytest.fixture
def parwork(request: pytest.FixtureRequest) -> Generator[Parwork, None, None]:
    """Run calls in parallel and serially: `parwork.map(fn, items)`, `parwork.starmap(fn, tuples)`.

    Keywords of both: backend, workers, compare, verify, timeout, chunksize. The result is a `Run`,
    a sequence of the values; `MismatchError` is raised if the two runs differ.
    """
    from .calls.fixture import Parwork
    from .config.registry import guard

    _start(request.session)
    with guard(request.config).marking():
        yield Parwork(request.node)


@pytest.fixture
def parwork_seed(request: pytest.FixtureRequest) -> int:
    """A seed from --parwork-seed and the id of the test: the same in both runs."""
    from .sending.seeding import parwork_seed_of

    return parwork_seed_of(request.node)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, object, object]:
    if not (_is_marked(metafunc.definition) or "parwork" in metafunc.fixturenames):
        return (yield)
    from .cases.matrix import parametrize
    from .variants.axis import parametrize_variants

    metafunc.config.stash[_IN_USE] = True
    mistakes = _mistakes(metafunc.config)
    with mistakes.noted(metafunc.definition):
        parametrize(metafunc, _why_plain)
    result = yield
    with mistakes.noted(metafunc.definition):
        parametrize_variants(metafunc)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str
) -> Generator[None, object, object]:
    made = yield
    if not isinstance(made, list):
        return made
    for mistake in near_misses(collector.config, made):
        _mistakes(collector.config).note(collector, mistake)
    if not options.is_all(collector.config) and not any(map(has_mark, made)):
        # `add_marker` may still mark them; then the count shows whether cases are missing.
        collector.config.stash.setdefault(_UNMARKED, {})[(collector, name)] = len(made)
        calls = (item for item in made if "parwork" in getattr(item, "fixturenames", ()))
        if not options.stress(collector.config) or not any(calls):
            return made
    has_mistake = _mistakes(collector.config).has
    if is_only_listed(collector.config, made) or any(map(has_mistake, made)):
        return made
    from .collecting.placing import checks_for

    collected = _collected(collector.config)
    for item in filter(_is_marked, made):
        collected.count(item)
    return [*made, *checks_for(collector, name, made, collected.checks)]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _COLLECTED in config.stash:
        from .collecting.placing import place

        varied = config.stash[_COLLECTED].varied
        if varied.is_any:
            from .variants.cases import ordered

            items[:] = ordered(items, varied.place)
        place(items)
    if any(map(config.pluginmanager.hasplugin, ("run-parallel", "pytest_run_parallel.plugin"))):
        from .cases.company import keep_single

        keep_single(item for item in items if _is_ours(item))


@pytest.hookimpl(tryfirst=True)  # before xdist reports to its controller
def pytest_collection_finish(session: pytest.Session) -> None:
    config, items = session.config, session.items
    if options.stress(config):
        from .collecting.placing import add_cases

        add_cases(items)
    has_work = options.is_all(config) or any(_is_marked(item) for item in items if has_mark(item))
    has_work |= bool(options.stress(config)) and _COLLECTED in config.stash
    if has_work and not is_only_listed(config, items):
        from .collecting import placing

        if options.is_all(config):
            placing.make_others_plain(items)
        _collected(config).gather(config, items, config.stash.setdefault(_UNMARKED, {}))
        if options.stress(config):
            placing.keep_for_stress(items, _collected(config))
    if _MISTAKES in config.stash:
        config.stash[_MISTAKES].report()
    if has_work and not config.getoption("collectonly"):
        _start(session)
    if _IN_USE in config.stash and not config.getoption("collectonly"):
        from .session.other_limits import follow_limits

        follow_limits(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    from .session.distribution import connect

    connect(node)


@pytest.hookimpl(optionalhook=True, trylast=True)  # another plugin's scheduler goes before ours
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    from .session.distribution import is_default

    if not is_default(config):
        return None
    from .session.balance import LoadScheduling

    return LoadScheduling(config, log)


@pytest.hookimpl(wrapper=True, trylast=True)  # before pytest-cov combines data
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    result = yield
    _close(session.config)
    return result


def pytest_unconfigure(config: pytest.Config) -> None:
    # All is reported. Ctrl-C only ends the wait for workers here: the guard ends them in any case.
    with suppress(KeyboardInterrupt):
        _close(config)
    if config.pluginmanager.hasplugin("dsession"):
        from .session.locks import remove_folder

        remove_folder(config)
    if _IN_USE in config.stash:
        from .config.registry import close_guard

        with suppress(KeyboardInterrupt):
            close_guard(config, at_exit=not config.stash[_INSIDE])


def _is_ours(item: pytest.Item) -> bool:
    return _is_marked(item) or "parwork" in getattr(item, "fixturenames", ())


def _is_marked(item: object) -> bool:
    if not isinstance(item, pytest.Function):
        return False
    return options.is_all(item.config) or has_mark(item)


def _why_plain(item: pytest.Function) -> UsageError | None:
    from .sending.support import plain_everywhere  # most sessions have no matrix

    return plain_everywhere(item)


def _collected(config: pytest.Config) -> Collected:
    from .collecting.collection import Collected

    if _COLLECTED not in config.stash:
        config.stash[_COLLECTED] = Collected(mistakes=_mistakes(config))
    return config.stash[_COLLECTED]


def _mistakes(config: pytest.Config) -> Mistakes:
    from .collecting.mistakes import Mistakes

    if _MISTAKES not in config.stash:
        config.stash[_MISTAKES] = Mistakes()
    return config.stash[_MISTAKES]


def _close(config: pytest.Config) -> None:
    """Close the backends, if there was or might have been work for any."""
    if _IN_USE in config.stash:
        from .config.registry import close_backends

        close_backends(config)


def _start(session: pytest.Session) -> None:
    """Register the hooks for cases and calls, the first time that there are any."""
    manager = session.config.pluginmanager
    session.config.stash[_IN_USE] = True
    if not manager.has_plugin(RUNNING):
        from .running.hooks import Running

        running = Running(session, _collected(session.config))
        manager.unregister(name=TABLES)
        manager.register(running.gates, "parwork-gates")
        manager.register(running, RUNNING)
        running.begin_varied(manager)
