"""The observation of a call: which pools it uses, and where its CPU time is spent.

Pools are observed where tasks enter them: there are few such places in Python, however many
libraries are built on them. Native pools have no such place; CPU time in other threads shows them.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

from ..model.dataclass import dataclass
from ..model.observed import Observed, Pool
from .clock import now
from .native import THREADS

#: Modules of the pools themselves: who uses one is the first caller outside of them.
POOLS = ("concurrent.futures", "multiprocessing", "asyncio", "joblib.externals.loky", "loky")

#: Libraries whose threads and processes belong to pools that are observed, or only help.
HELPERS = frozenset(
    (
        *("concurrent", "multiprocessing", "threading", "asyncio"),
        *("joblib", "loky", "dask", "distributed", "tornado", "zict", "tqdm"),
        *("pytest_parwork", "_pytest"),
    )
)

#: What joblib and dask call their pools, by the class of the pool or one that it derives from.
NAMES = {
    ("joblib", "ThreadPool"): "joblib's threading",
    ("joblib", "Pool"): "joblib's multiprocessing",
    ("joblib", "ProcessPoolExecutor"): "joblib's loky",
    ("joblib", "Client"): "joblib's dask",
    ("dask", "ThreadPoolExecutor"): "dask's threads",
    ("dask", "ProcessPoolExecutor"): "dask's processes",
}

#: Where tasks enter a pool: module, class, method; the class is looked up if it has been imported.
#: `_map_async` serves `map` and `starmap` too, `_graph_to_futures` all methods of a client. The
#: last is the place of the argument that holds the tasks, None where there is one task.
ENTRIES = (
    ("concurrent.futures.thread", "ThreadPoolExecutor", "submit", None),
    ("concurrent.futures.process", "ProcessPoolExecutor", "submit", None),
    ("joblib.externals.loky.process_executor", "ProcessPoolExecutor", "submit", None),
    ("loky.process_executor", "ProcessPoolExecutor", "submit", None),
    ("multiprocessing.pool", "Pool", "apply_async", None),
    ("multiprocessing.pool", "Pool", "_map_async", 1),
    ("multiprocessing.pool", "Pool", "imap", 1),
    ("multiprocessing.pool", "Pool", "imap_unordered", 1),
    ("distributed.client", "Client", "_graph_to_futures", 0),
)

#: The number of tasks where it cannot be counted.
SOME = 2

#: Seconds in which the threads of earlier calls come to rest, and between two looks at them.
PATIENCE, GLANCE = 0.3, 0.0005

#: Where threads and processes start that belong to no pool.
STARTS = (
    ("threading", "Thread", "start", "Python threads"),
    ("multiprocessing.process", "BaseProcess", "start", "processes"),
)


@dataclass(slots=True)
class _Use:
    """A pool that was used, or what was started of one kind."""

    name: str
    pool: Callable[[], object]
    workers: int
    tasks: int = 0


class Observation(AbstractContextManager["Observation"]):
    """Observes what runs inside the block; `observed` says it afterwards.

    The classes of pools have other methods meanwhile, in the whole process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[int, _Use] = {}  # by the address of the pool
        self._begun: dict[str, _Use] = {}
        self._all: list[_Use] = []
        self._replaced: list[tuple[type, str, Any]] = []
        self.observed = Observed()

    def __enter__(self) -> Observation:

        import joblib.externals.loky.process_executor  # noqa: F401

        for module, cls, method, place in ENTRIES:
            count = functools.partial(_count, place)
            self._replace(module, cls, method, functools.partial(self._entered, count))
        for module, cls, method, name in STARTS:
            self._replace(module, cls, method, functools.partial(self._started, name))
        _settle()
        self._wall, self._children = now(), _children()
        self._cpu, self._own = time.process_time(), time.thread_time()
        return self

    def __exit__(self, *_: object) -> None:
        own, cpu = time.thread_time() - self._own, time.process_time() - self._cpu
        wall = now() - self._wall
        while self._replaced:
            cls, method, original = self._replaced.pop()
            setattr(cls, method, original)
        self.observed = Observed(
            pools=tuple(self._pools()),
            wall=wall,
            cpu=cpu,
            elsewhere=max(0.0, cpu - own),
            children=_children() - self._children,
        )

    def _pools(self) -> Iterator[Pool]:
        """Yield the pools, those of one name as one: nested calls make many alike."""
        found: dict[str, list[_Use]] = {}
        with self._lock:
            for use in (*self._all, *self._begun.values()):
                found.setdefault(use.name, []).append(use)
        for name, uses in found.items():
            most = max(uses, key=lambda use: (min(use.workers, use.tasks), use.tasks))
            yield Pool(name=name, workers=most.workers, tasks=most.tasks)

    def _replace(self, module: str, cls: str, method: str, note: Callable[..., None]) -> None:
        owner = getattr(sys.modules.get(module), cls, None)
        original = getattr(owner, method, None)
        if owner is None or original is None:  # not imported, or another version of it
            return

        @functools.wraps(original)
        def noting(pool: Any, /, *args: Any, **kwargs: Any) -> Any:
            note(pool, args, sys._getframe(1))
            return original(pool, *args, **kwargs)

        self._replaced.append((owner, method, original))
        setattr(owner, method, noting)

    def _entered(
        self,
        tasks: Callable[[Sequence[Any]], int],
        pool: Any,
        args: Sequence[Any],
        frame: FrameType,
    ) -> None:
        """Record the tasks that enter a pool; its name is that for its first caller."""
        use = self._used.get(id(pool))
        if use is None or use.pool() is not pool:  # an earlier one may have had its address
            caller = _outside(frame)
            if caller.startswith(("distributed", "tornado")):  # for its own messages
                return
            use = _Use(_name(pool, caller), weakref.ref(pool), _workers_of(pool))
            with self._lock:
                self._used[id(pool)] = use
                self._all.append(use)
        use.tasks += tasks(args)  # of two threads at once, one may be lost

    def _started(self, name: str, _started: object, _args: Sequence[Any], frame: FrameType) -> None:
        """Record a thread or process, unless it belongs to a pool."""
        if str(frame.f_globals.get("__name__")).partition(".")[0] in HELPERS:
            return
        with self._lock:
            use = self._begun.setdefault(name, _Use(name, lambda: None, 0))
            use.workers += 1
            use.tasks += 1


def _count(place: int | None, args: Sequence[Any]) -> int:
    """Return the number of tasks in the arguments of an entry."""
    if place is None:
        return 1
    return len(args[place]) if len(args) > place and hasattr(args[place], "__len__") else SOME


def _name(pool: Any, caller: str) -> str:
    """Name a pool as the users of the module that called it know it."""
    root = caller.partition(".")[0]
    kinds = [cls.__name__ for cls in type(pool).__mro__]
    for kind in kinds:
        if (root, kind) in NAMES:
            return NAMES[root, kind]
    if "Client" in kinds:
        return "dask's cluster"
    kind = next(name for name in kinds if not name.startswith("_"))
    shown = "multiprocessing.Pool" if kind == "Pool" else kind
    return f"{root}'s {shown}" if _is_library(caller) else shown


def _workers_of(pool: Any) -> int:
    """Return the number of workers of a pool, by the attribute that it keeps it in."""
    for name in ("_max_workers", "_processes"):
        if isinstance(found := getattr(pool, name, None), int):
            return found
    if hasattr(pool, "scheduler_info"):
        return len(pool.scheduler_info(n_workers=-1).get("workers", ()))
    return 1


def _outside(frame: FrameType | None) -> str:
    """Return the name of the first module around a frame that is none of a pool."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(POOLS):
            return name
        frame = frame.f_back
    return ""


def _is_library(module: str) -> bool:
    """Return whether a module is installed, as opposed to the code of the project."""
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return f"{os.sep}site-packages{os.sep}" in file or f"{os.sep}dist-packages{os.sep}" in file


def _settle() -> None:
    """Wait until native threads of an earlier call sleep: they spin for up to 0.1 s."""
    until = now() + PATIENCE
    while now() < until and _is_busy_elsewhere():
        time.sleep(GLANCE)


def _is_busy_elsewhere() -> bool:
    """Return whether another thread of this process works, or waits for a CPU to do so."""
    try:
        return any(map(_is_runnable, os.listdir(THREADS)))
    except OSError:  # not Linux: a thread that waits for a CPU is taken for one that sleeps
        cpu = time.process_time()
        time.sleep(GLANCE)
        return time.process_time() - cpu >= GLANCE / 2


def _is_runnable(thread: str) -> bool:
    """Return whether a thread of this process, other than the calling one, is in state R."""
    if int(thread) == threading.get_native_id():
        return False
    try:
        with open(f"{THREADS}/{thread}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].startswith(b"R")
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return False


def _children() -> float:
    """Return the CPU seconds of all processes that this one has waited for."""
    times = os.times()
    return times.children_user + times.children_system
