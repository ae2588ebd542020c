"""The experiments in one clean process, each of them in a fork of it that ends with it."""

from __future__ import annotations

import importlib.util
import os
import pickle
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from ...machine.clock import now, sleep
from ...model.dataclass import dataclass
from ...model.outcome import Failure, NotSent, Outcome
from ...model.work import Task
from ...transport.failures import revived
from ...transport.ledger import Kind
from ...transport.payload import Around
from ...worker.calling import perform
from ...worker.fixtures.ended import unfold
from ...worker.processes import Attached, Loaded
from ...worker.results import pack
from ...worker.station import framed, receive
from .treatments import Change, Together, is_installed, is_python

#: The experiment that is nothing but the case alone.
ALONE = "alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Tasks that run one after the other in a process; the outcome of the last one counts.

    `treatment` wraps their functions. With `is_sharing`, they share their arguments as in the
    serial run. With `together`, the tasks run in threads of the process, and the outcome is the
    list of theirs. Meanwhile the tasks `alongside` run over and over, each in a process of its own,
    and as many processes as `busy` says do nothing but use the CPU.
    """

    label: str
    tasks: tuple[int, ...]
    treatment: Around | None = None
    is_sharing: bool = False
    together: Together | None = None
    alongside: tuple[int, ...] = ()
    busy: int = 0

    @property
    def crowd(self) -> tuple[int | None, ...]:
        """The tasks of the processes alongside it, None for those that are only busy."""
        return (*self.alongside, *(None for _ in range(self.busy)))

    @property
    def is_plain(self) -> bool:
        """Whether it is the case alone, be it on threads or once more."""
        return self.label.partition(",")[0] == ALONE

    @property
    def all_tasks(self) -> tuple[int, ...]:
        """All tasks that it needs."""
        return (*self.tasks, *self.alongside)


class Side(NamedTuple):
    """One of two experiments that differ, as texts name it: `alone`, `after test_it[2]`."""

    name: str
    experiment: Experiment
    seed: str = "1"


class Packed(NamedTuple):
    """An outcome that an experiment has sent: the result of `pack`, with its buffers.

    `imported` are the modules that its process has loaded since it was forked.
    """

    kind: Kind
    data: bytes
    buffers: tuple[bytes, ...]
    imported: tuple[str, ...] = ()

    def load(self) -> Outcome:
        """Load the outcome; one that fails to load is not sent."""
        try:
            loaded: Any = pickle.loads(self.data, buffers=self.buffers)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            why = NotSent(reason="result", detail=f"it cannot be loaded: {error}")
            return Outcome(kind="not_sent", not_sent=why)
        if self.kind == "value":
            return unfold(Outcome(kind="value", value=loaded))
        if self.kind == "not_sent":
            return Outcome(kind="not_sent", not_sent=loaded)
        failure, data = loaded
        assert isinstance(failure, Failure)
        return unfold(Outcome(kind=self.kind, failure=replace(failure, exception=revived(data))))


class Done(NamedTuple):
    """An experiment that was run: its outcome, None without one, and its seconds.

    It `is_idle` if its treatment has nothing to change there: then it is the same as without it.
    """

    packed: Packed | None
    seconds: float = 0.0
    is_idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Runs experiments, one after the other; sent to the process that is to run them.

    `places` are the numbers that the tasks have there. An experiment may take `limit` seconds, and
    `more` for each further task; what has not ended by `until` has no result. If it `is_first`, the
    process imports the libraries that an experiment has imported, or every further one would do so
    again.
    """

    experiments: tuple[Experiment, ...]
    places: Mapping[int, int]
    limit: float
    until: float
    more: float = 0.0
    originals: Sequence[Task] = ()
    is_first: bool = False

    def __call__(self) -> list[Done]:
        """Run the experiments, and return their results in their order, as far as there is time."""
        found: list[Done] = []
        for one in self.experiments:
            if isinstance(one.treatment, Change) and one.treatment.is_idle():
                found.append(Done(None, is_idle=True))
                continue
            began, limit = now(), self.limit + self.more * (len(one.tasks) - 1)
            packed = self._forked(one, min(self.until, began + limit))
            if self.is_first and packed is not None and import_all(packed.imported):
                began = now()  # what the import has changed is so in all experiments
                packed = self._forked(one, min(self.until, began + limit))
            if packed is None and now() >= self.until:
                break
            found.append(Done(packed, now() - began))
        return found

    def _forked(self, experiment: Experiment, until: float) -> Packed | None:
        """Run an experiment in a fork, and return its outcome."""
        if now() >= until:
            return None
        stop, stopping = os.pipe()
        crowd = [
            self._kept_running(experiment, one, stop, stopping, until) for one in experiment.crowd
        ]
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            with suppress(BaseException):
                os.close(reading)
                with open(writing, "wb") as file:
                    file.write(framed(pickle.dumps(self._result(experiment))))
            os._exit(0)
        os.close(writing)
        try:
            data = receive(reading, until) or b""
        finally:
            os.close(reading)
            _end(pid, now())
            os.close(stopping)
            for one in crowd:  # they end their call, so that they leave nothing half done behind
                _end(one, until)
            os.close(stop)
        with suppress(Exception):  # it died while it wrote
            found = pickle.loads(data)
            return found if isinstance(found, Packed) else None
        return None

    def _kept_running(
        self, experiment: Experiment, number: int | None, stop: int, stopping: int, until: float
    ) -> int:
        """Fork a process that runs a task over and over, or nothing, until it is to stop."""
        pid = os.fork()
        if pid == 0:
            with suppress(BaseException):
                os.close(stopping)
                while now() < until and not select.select([stop], [], [], 0)[0]:
                    if number is not None:
                        perform(*self._load(number, experiment, {}))
            os._exit(0)
        return pid

    def _result(self, experiment: Experiment) -> Packed:
        seen: dict[int, object] = {}
        modules = set(sys.modules)
        calls = []
        if experiment.together is not None:  # threads share their arguments, too
            for number in experiment.tasks:
                calls.append(self._load(number, experiment, seen))
            kind, value = perform(experiment.together, [calls], {})
        else:
            for number in experiment.tasks:
                call = self._load(number, experiment, seen if experiment.is_sharing else {})
                kind, value = perform(*call)
        kind, data, buffers = pack(kind, value)
        imported = tuple(name for name in list(sys.modules) if name not in modules)
        return Packed(kind, data, tuple(bytes(buffer.raw()) for buffer in buffers), imported)

    def _load(self, number: int, experiment: Experiment, seen: dict[int, object]) -> Loaded:
        loaded = self._loaded(number, seen)
        if not isinstance(loaded, tuple):
            return (lambda: _raise(loaded)), (), {}
        function, args, kwargs = loaded
        if experiment.treatment is not None:
            function = experiment.treatment(function)
        return function, args, kwargs

    def _loaded(self, number: int, seen: dict[int, object]) -> Loaded | NotSent | BaseException:
        if self.originals:
            task = self.originals[number]
            return task.function, task.args, task.kwargs
        site = Attached.current
        assert site is not None
        return site.load_call(self.places[number], seen)


def outcome_of(kind: str, result: Any) -> Outcome:
    """Return the outcome of a task that ran together with others."""
    if kind == "value":
        return Outcome(kind="value", value=result)
    name, text = result
    return Outcome(kind="failure", failure=Failure(type=name, text=text))


def import_all(names: Sequence[str]) -> bool:
    """Import those modules that belong to libraries, not to the project; return if there is any."""
    is_any = False
    for name in names:
        with suppress(Exception):
            spec = importlib.util.find_spec(name)
            origin = spec.origin or "" if spec is not None else ""
            if origin in ("built-in", "frozen") or is_python(origin) or is_installed(origin):
                importlib.import_module(name)
                is_any = True
    return is_any


def _raise(why: NotSent | BaseException) -> None:
    raise why if isinstance(why, BaseException) else why.error


def _end(pid: int, until: float) -> None:
    """Wait for the end of a fork, and kill it if that is too late."""
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if now() >= until:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return
        sleep(0.001)
