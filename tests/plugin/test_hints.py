"""The hint at what a hook has set in pytest's process, and workers lack."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from pytest_parwork.plugin.messages.hints import sets_state

from .scratch import Scratch

#: Reading the code of a hook takes no time.
DAILY_OF_EACH = 4

CASES = """
    import settings

    {first}
    @pytest.mark.parametrize("n", range(2))
    def test_value(n):
        return settings.READY

    {second}
    @pytest.mark.parametrize("n", range(2))
    def test_raises(n):
        return settings.DATABASE.name
"""
MARK = '@pytest.mark.parwork(backend="{}", workers=2)'


@pytest.mark.parametrize(
    "backend",
    [
        "joblib",
        *(
            pytest.param(f"{b}:spawn", marks=pytest.mark.sweep)
            for b in ("processes", "multiprocessing", "isolated")
        ),
        pytest.param("dask", marks=pytest.mark.sweep),
    ],
)
def test_a_hook_that_sets_something_in_a_module_is_named(scratch: Scratch, backend: str) -> None:
    scratch.write("settings.py", "READY = False\nDATABASE = None\n")
    scratch.write(
        "conftest.py",
        """
        from types import SimpleNamespace
        import settings

        def pytest_configure(config):
            config.parsed = 1
            settings.READY = True
            settings.DATABASE = SimpleNamespace(name="test")
        """,
    )
    marks = [MARK.format(name) for name in (backend, "processes:fork")]
    scratch.cases(CASES.format(first=marks[0], second=marks[0]))
    scratch.cases(CASES.format(first=marks[1], second=marks[1]), "test_fork.py")
    session = scratch.run(report=True)
    assert session.counts == {"failed": 4, "passed": 4}
    text = " ".join(session.text.split())
    hint = (
        "hint pytest_configure (conftest.py) sets something in pytest's process that its workers "
        "lack; if the case passes on processes:fork, that is why"
    )
    assert text.count(hint) == 2, "once for each test"


def test_an_exception_of_the_worker_alone_gets_the_hint_without_a_name(scratch: Scratch) -> None:
    scratch.write("settings.py", "READY = False\nDATABASE = None\n")
    scratch.write(
        "conftest.py",
        """
        from types import SimpleNamespace
        import settings

        def pytest_configure(config):
            vars(settings).update(READY=True, DATABASE=SimpleNamespace(name="test"))
        """,
    )
    mark = MARK.format("joblib")
    scratch.cases(CASES.format(first=mark, second=mark))
    session = scratch.run()
    assert session.counts == {"failed": 4}
    text = " ".join(session.text.split())
    hint = "hint a hook or a plugin may have set in pytest's process what its workers lack; if the"
    assert text.count(hint) == 1
    assert text.index(hint) > text.index("'NoneType' object has no attribute 'name'")


def test_joblib_inside_joblib_is_named(scratch: Scratch) -> None:
    scratch.cases(
        """
        import threading
        from joblib import Parallel, delayed

        def is_main():
            return threading.current_thread() is threading.main_thread()

        @pytest.mark.parwork(backend="joblib", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            return Parallel(n_jobs=2)(delayed(is_main)() for _ in range(2))
        """
    )
    session = scratch.run_apart()
    assert session.counts == {"failed": 2}
    text = " ".join(session.text.split())
    assert "hint joblib.Parallel in the test runs on threads inside a worker of joblib" in text


@dataclasses.dataclass
class Held:
    value: int = 0


HELD = Held()


def _of_a_module(config: Any) -> None:
    pytest.parwork_test = 1  # type: ignore[attr-defined]


def _of_what_it_holds(config: Any) -> None:
    HELD.value = len(config.args)


def _of_a_local_import(config: Any) -> None:
    import json

    json.parwork_test = config  # type: ignore[attr-defined]


def _of_a_global_name(config: Any) -> None:
    global HELD
    HELD = Held(config)


def _by_name(config: Any) -> None:
    setattr(HELD, config, 1)


def _in_a_function(config: Any) -> None:
    def inner() -> None:
        HELD.value = 1

    inner()


def _of_an_argument(config: Any, items: Any = None) -> None:
    config.value = items.value = 1


def _of_a_line(config: Any) -> None:
    config.addinivalue_line("markers", "slow: takes long")


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        *((hook, True) for hook in (_of_a_module, _of_what_it_holds, _of_a_local_import)),
        *((hook, True) for hook in (_of_a_global_name, _by_name, _in_a_function)),
        *((hook, False) for hook in (_of_an_argument, _of_a_line, len)),
    ],
)
def test_what_a_hook_sets_is_read_from_its_code(
    hook: Callable[..., object], expected: bool
) -> None:
    assert sets_state(hook) is expected


@pytest.mark.parametrize(
    "backend", ["joblib", pytest.param("processes:spawn", marks=pytest.mark.sweep)]
)
def test_a_wide_set_up_that_assigns_to_a_global_name_is_named(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        pytestmark = pytest.mark.parwork(backend="{backend}", workers=2, scope="module")

        import os
        from types import SimpleNamespace

        def made():
            return SimpleNamespace(value=1)

        class TestOfClass:
            @classmethod
            def setup_class(cls):
                global first, second
                first = second = made()

            def test_one(self):
                assert first.value == 1

        @pytest.fixture(scope="module")
        def base():
            global third
            third = made()

        def test_two(base):
            assert third.value == 1

        class TestOfAttributes:
            @classmethod
            def setup_class(cls):
                cls.own = made()
                cls.own.other = 1

            def test_three(self):
                return os.getpid()
        """
    )
    session = scratch.run()
    assert session.counts == {"failed": 3}
    text = " ".join(session.text.split())
    end = "in pytest's process, which its workers lack; if the case passes on processes:fork"
    assert f"hint setup_class sets first, second {end}" in text
    assert f"hint the fixture 'base' sets third {end}" in text
    assert text.count(end) == 2, "attributes of what a set-up makes say nothing"
