"""The locks and threads that a worker forked from pytest's process may wait for."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from ..machine.forking import unsafe_threads
from ..machine.native import LostPool, lost_pools
from ..model.errors import ParworkWarning
from ..model.work import Configuration, Workload
from ..transport.modules import ModuleTable
from .request import RunRequest

#: The distance in the stack to `execute`, to which a warning is attributed.
DEPTH = 3


def warn_of_fork(workload: Workload, configuration: Configuration, modules: ModuleTable) -> None:
    """Warn about threads whose locks may stay locked, and libraries that a fork makes unusable."""
    forks = f"the backend {configuration.backend!r} forks"
    # If the user did not choose to fork, the backend has already failed to start.
    if threads := unsafe_threads():
        warnings.warn(
            f"{forks} while other threads are alive: {threads}. "
            f"A lock that one of these holds stays locked in a worker for ever",
            ParworkWarning,
            stacklevel=DEPTH,
        )
    for pool in lost_pools():
        if user := _user_of(pool, workload, modules):
            warnings.warn(
                f"{forks}, but {pool.library} has started threads in the process of pytest, and "
                f"{user} uses it: {pool.effect}. Use a backend that does not fork, such as joblib "
                f"or processes:spawn",
                ParworkWarning,
                stacklevel=DEPTH,
            )


def pools_in_use(request: RunRequest) -> str:
    """Name the thread pools that a task may use and that no fork has; empty if there are none."""
    found = ((pool, _user_of(pool, request.workload, request.modules)) for pool in lost_pools())
    return ", ".join(f"those of {pool.library}, which {user} uses" for pool, user in found if user)


def _user_of(pool: LostPool, workload: Workload, modules: ModuleTable) -> str | None:
    """Return the first module of the project that a task may reach and that names the library."""
    for name in _reached(workload, modules):
        file = modules[name][0] if name in modules else None
        file = file or getattr(sys.modules.get(name), "__file__", None)
        try:
            source = Path(file or "").read_bytes()
        except OSError:
            continue
        if pool.library.encode() in source:
            return name
    return None


def _reached(workload: Workload, modules: ModuleTable) -> Iterator[str]:
    """Yield the modules of the tasks, and those of the project that these import, and so on."""
    file = workload.name.partition("::")[0]
    todo = {task.address.module for task in workload.tasks if task.address is not None}
    todo |= {module for task in workload.tasks if (module := _home(task.function))}
    todo |= {
        name
        for name, (path, _) in modules.items()
        if path and file and (path.endswith(file) or path.endswith("conftest.py"))
    }
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        seen.add(name)
        yield name
        values = vars(sys.modules.get(name, ModuleType(name))).values()
        todo |= ({_home(value) for value in values} & modules.keys()) - seen


def _home(value: object) -> str:
    """Return the name of the module that a value is, or comes from."""
    if isinstance(value, ModuleType):
        return value.__name__
    if inspect.isroutine(value) or inspect.isclass(value):
        return str(getattr(value, "__module__", None) or "")
    return ""
