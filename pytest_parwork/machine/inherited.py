"""Executors that a forked worker inherits without their threads, repaired in it before any task.

A fork copies only the calling thread. An executor without its threads accepts work and never runs
it: joblib's loky, `concurrent.futures`, `multiprocessing.Pool`, dask's clients. The objects to
repair are collected in the process that forks, where all threads still exist.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

from .forking import caller_of, frames_of_others

#: A repair that a forked process makes once, before anything else.
Repair = Callable[[], None]

#: The attributes that hold the settings of a process executor, by parameter of its class.
SETTINGS = {
    "max_workers": "_max_workers",
    "initializer": "_initializer",
    "initargs": "_initargs",
    "mp_context": "_mp_context",  # of concurrent.futures
    "max_tasks_per_child": "_max_tasks_per_child",
    "context": "_context",  # of loky
    "timeout": "_timeout",
    "env": "_env",
}

#: Frames of a thread that are looked at; pools and executors are among the outermost.
DEEPEST = 10_000


def inherited() -> list[Repair]:
    """Return the repairs for a process that is forked now; no library is imported for it."""
    found: list[Repair] = []
    stacks = _stacks()
    for name, look in KINDS.items():
        module = sys.modules.get(name)
        if module is not None:
            with suppress(Exception):  # an unknown version of it; leave it unrepaired
                found += look(module, stacks)
    return found


def repair(repairs: Sequence[Repair]) -> None:
    """Make the repairs that were collected before the fork; to be called in the forked process."""
    for each in repairs:
        with suppress(Exception):
            each()


def _stacks() -> list[list[FrameType]]:
    """Return the frames of every other thread, the outermost first.

    The threads keep running meanwhile, so that a chain of frames may change: it may become
    circular, or have new frames for as long as somebody follows it.
    """
    stacks = []
    for innermost in frames_of_others().values():
        stack: dict[int, FrameType] = {}
        frame: FrameType | None = innermost
        while frame is not None and id(frame) not in stack and len(stack) < DEEPEST:
            stack[id(frame)] = frame
            frame = caller_of(frame)
        stacks.append([*stack.values()][::-1])
    return stacks


def _broken(what: str) -> BrokenExecutor:
    return BrokenExecutor(
        f"{what} was submitted in the process of pytest before this worker was forked from it, and "
        f"the threads that would complete it exist only there. Submit it in the test, or choose a "
        f"backend that does not fork, such as joblib or processes:spawn"
    )


def _fail(future: Future[Any]) -> None:
    """Fail a future that would never complete."""
    future._condition = threading.Condition()  # a thread lost in the fork may hold the old one
    if not future.done():
        future.set_exception(_broken("this call"))


def _restart_at(name: str, restart: Callable[[Any], None], executor: Any) -> None:
    """Restart an executor when its method `name` is called, not before.

    Most tasks do not use it, and new queues and processes cost time and scarce resources.
    """

    def restarted(*args: Any, **kwargs: Any) -> Any:
        delattr(executor, name)
        restart(executor)
        return getattr(executor, name)(*args, **kwargs)

    setattr(executor, name, restarted)


# concurrent.futures.ThreadPoolExecutor


def _thread_executors(module: Any, stacks: list[list[FrameType]]) -> Iterator[Repair]:
    work = module._worker.__code__
    running = [
        item.future
        for stack in stacks
        for frame in stack
        if frame.f_code is work and (item := frame.f_locals.get("work_item")) is not None
    ]
    executors = {
        id(executor): executor
        for thread in list(module._threads_queues)
        if (args := getattr(thread, "_args", ())) and (executor := args[0]()) is not None
    }
    yield from (partial(_fail, future) for future in running)
    yield from (partial(_restart_threads, executor) for executor in executors.values())
    yield module._threads_queues.clear  # or Python would wait for these threads at its exit


def _restart_threads(executor: Any) -> None:
    queue: Any = executor._work_queue
    executor._work_queue = type(queue)()
    executor._threads = set()
    executor._idle_semaphore = threading.Semaphore(0)
    executor._shutdown_lock = threading.Lock()
    while not queue.empty():
        if (item := queue.get_nowait()) is not None:
            _fail(item.future)


# concurrent.futures.ProcessPoolExecutor, and loky's


def _process_executors(module: Any, _: list[list[FrameType]]) -> Iterator[Repair]:
    for thread in list(module._threads_wakeups):
        executor = thread.executor_reference()
        if executor is not None:
            yield partial(_cut_off, module.ProcessPoolExecutor, executor)
    yield module._threads_wakeups.clear
    if lock := getattr(module, "_global_shutdown_lock", None):
        yield lock._at_fork_reinit


def _cut_off(kind: Any, executor: Any) -> None:
    """Disconnect an executor from processes and pipes, which belong to the process that forked."""
    pending, executor._pending_work_items = executor._pending_work_items, {}
    # Kept, because a queue that is deleted may write to its pipe.
    executor._inherited = (executor._processes, executor._call_queue, executor._result_queue)
    executor._processes = {}
    executor._executor_manager_thread = None  # shutdown would wait for it
    executor._executor_manager_thread_wakeup = None
    executor._shutdown_lock = threading.Lock()
    if (flags := getattr(executor, "_flags", None)) is not None:
        flags.shutdown_lock = executor._shutdown_lock
    _restart_at("submit", partial(_restart_processes, kind), executor)
    for item in list(pending.values()):
        _fail(item.future)


def _restart_processes(kind: Any, executor: Any) -> None:
    flags = getattr(executor, "_flags", None)  # of loky
    if flags.shutdown if flags is not None else executor._shutdown_thread or executor._broken:
        return
    settings = {
        parameter: getattr(executor, attribute)
        for parameter, attribute in SETTINGS.items()
        if hasattr(executor, attribute)
    }
    _, calls, results = executor._inherited
    if flags is not None:
        settings |= {"job_reducers": calls._reducers, "result_reducers": results._reducers}
    kind.__init__(executor, **settings)


def _reusable_executor(module: Any, _: list[list[FrameType]]) -> Iterator[Repair]:
    """Make loky forget the executor that joblib reuses, so that it creates a new one."""
    yield partial(setattr, module, "_executor", None)
    yield partial(setattr, module, "_executor_kwargs", None)
    yield module._executor_lock._at_fork_reinit


# multiprocessing.Pool and ThreadPool


def _pools(module: Any, _: list[list[FrameType]]) -> Iterator[Repair]:
    for finalizer in list(module.util._finalizer_registry.values()):
        reference = getattr(finalizer, "_weakref", None)
        pool = reference() if reference is not None else None
        if isinstance(pool, module.Pool) and pool._state == module.RUN:
            yield partial(_cut_off_pool, module, pool)


def _cut_off_pool(module: Any, pool: Any) -> None:
    results = list(pool._cache.values())
    pool._inherited = (pool._pool, pool._change_notifier)
    pool._pool, pool._cache = [], {}
    pool._change_notifier = module.queue.SimpleQueue()
    _restart_at("_check_running", partial(_restart_pool, module), pool)
    for result in results:
        failed = (False, _broken("this call of a pool"))
        if isinstance(result, module.ApplyResult):
            result._success, result._value = failed
            result._event = threading.Event()
            result._event.set()
        else:
            result._cond = threading.Condition()
            result._items.append(failed)
            result._length = result._index


def _restart_pool(module: Any, pool: Any) -> None:
    if pool._state == module.RUN:
        module.Pool.__init__(
            pool,
            pool._processes,
            pool._initializer,
            pool._initargs,
            pool._maxtasksperchild,
            pool._ctx,
        )


# asyncio


def _event_loops(module: Any, stacks: list[list[FrameType]]) -> Iterator[Repair]:
    """Close loops that ran in other threads, and leave no loop as the current one.

    Nothing is unregistered: such a loop still shares its selector with the other process.
    """
    kind = sys.modules["asyncio.base_events"].BaseEventLoop
    for stack in stacks:
        for frame in stack:
            if frame.f_code.co_name == "run_forever":
                loop = frame.f_locals.get("self")
                if isinstance(loop, kind):
                    yield partial(_close_loop, loop)
    policy = module._event_loop_policy
    default: Any = getattr(module, "BaseDefaultEventLoopPolicy", None)
    if sys.version_info < (3, 12) and isinstance(policy, default):  # later ones do it themselves
        yield partial(_forget_loop, policy, policy._local)


def _close_loop(loop: Any) -> None:
    def check_closed() -> None:
        raise RuntimeError(
            "this event loop runs in a thread of the process of pytest, from which this worker was "
            "forked; that thread exists only there. Start a loop in the test, or choose a backend "
            "that does not fork, such as joblib or processes:spawn"
        )

    loop._closed = True
    loop._check_closed = check_closed


def _forget_loop(policy: Any, kept: object) -> None:
    policy._inherited = kept  # or the loop would be closed, with all that is registered in it
    policy._local = type(policy)._Local()


# dask


def _dask_clients(module: Any, _: list[list[FrameType]]) -> Iterator[Repair]:
    """Make dask compute without the inherited default clients, as in a new process."""
    for client in reversed(list(module._global_clients.values())):
        yield partial(_end_client, client)
    yield module._global_clients.clear
    yield partial(module._current_client.set, None)


def _end_client(client: Any) -> None:
    client.status = "closed"
    if (settings := getattr(client, "_set_config", None)) is not None:
        settings.__exit__(None, None, None)


#: The function that finds the repairs for a library, by the module that it loads.
KINDS: Mapping[str, Callable[[Any, list[list[FrameType]]], Iterator[Repair]]] = {
    "concurrent.futures.thread": _thread_executors,
    "concurrent.futures.process": _process_executors,
    "joblib.externals.loky.process_executor": _process_executors,
    "loky.process_executor": _process_executors,
    "joblib.externals.loky.reusable_executor": _reusable_executor,
    "loky.reusable_executor": _reusable_executor,
    "multiprocessing.pool": _pools,
    "asyncio.events": _event_loops,
    "distributed.client": _dask_clients,
}
