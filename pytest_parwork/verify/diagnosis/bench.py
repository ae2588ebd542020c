"""The experiments in one clean process, each of them in a fork of it that ends with it."""

from __future__ import annotations

import os
import pickle
import select
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from ...machine.clock import now, sleep
from ...model.outcome import Failure, NotSent, Outcome
from ...model.work import Task
from ...transport.failures import revived
from ...transport.ledger import Kind
from ...transport.payload import Around
from ...worker.calling import perform
from ...worker.fixtures.ended import unfold
from ...worker.processes import Attached, Loaded
from ...worker.results import pack
from .treatments import Change, Function, Together

#: The experiment that is nothing but the case alone.
ALONE = "alone"

#: Bytes of the length of a result.
LENGTH = 8

#: A case that takes at most so many seconds alone is cheap: the start of a process takes longer.
CHEAP = 0.2

#: An experiment may take so many times as long as the case alone.
TIMES = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Tasks that run one after the other in a process; the outcome of the last one counts.

    `treatment` wraps their functions. With `is_sharing`, they share their arguments as in the
    serial run. With `together`, the tasks run in threads of the process, and the outcome is the
    list of theirs. Meanwhile the tasks `alongside` run over and over, each in a process of its own,
    and as many processes as `busy` says do nothing but use the CPU.
    `wants` says that it is of use only if the results before it were all the same, or were not;
    `after`, that it is so only if the first of the experiments with that name gave something else
    than the case alone; `is_extra`, that it is not to be run where the case alone takes long.
    """

    label: str
    tasks: tuple[int, ...]
    treatment: Around | None = None
    is_sharing: bool = False
    together: Together | None = None
    alongside: tuple[int, ...] = ()
    busy: int = 0
    wants: Literal["", "steady", "changing"] = ""
    after: str = ""
    is_extra: bool = False

    @property
    def crowd(self) -> tuple[int | None, ...]:
        """The tasks of the processes alongside it, None for those that are only busy."""
        return (*self.alongside, *(None for _ in range(self.busy)))

    @property
    def all_tasks(self) -> tuple[int, ...]:
        """All tasks that it needs."""
        return (*self.tasks, *self.alongside)


class Packed(NamedTuple):
    """An outcome that an experiment has sent: the result of `pack`, with its buffers."""

    kind: Kind
    data: bytes
    buffers: tuple[bytes, ...]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Runs experiments in place of a task; sent to the process that is to run them.

    `places` are the numbers that the tasks have there. An experiment may take `limit` seconds, or
    so many times as long as the case alone; all of them `seconds`. What has not ended by then has
    no result.
    """

    experiments: tuple[Experiment, ...]
    places: Mapping[int, int]
    limit: float
    seconds: float
    originals: Sequence[Task] = ()

    def __call__(self, function: Function) -> Function:  # noqa: ARG002, it is one of the tasks
        """Return the function that runs the experiments."""
        return self.run

    def run(self, *args: object, **kwargs: object) -> dict[int, Packed | None]:  # noqa: ARG002
        """Run the experiments, and return their results by number.

        None stands for one without a result. Those that are of no use are left out.
        """
        until = now() + self.seconds
        found: dict[int, Packed | None] = {}
        labels: dict[str, Packed | None] = {}
        seconds = 0.0
        for number, one in enumerate(self.experiments):
            repeats = {r for label, r in labels.items() if label.partition(",")[0] == ALONE}
            if one.wants and one.wants != ("steady" if len(repeats) < 2 else "changing"):
                continue
            alone = labels.get(ALONE)
            if one.is_extra and seconds > CHEAP:
                continue
            if one.after in labels and labels[one.after] == alone:
                continue
            is_idle = isinstance(one.treatment, Change) and one.treatment.is_idle()
            began = now()
            limit = max(self.limit, TIMES * seconds) if labels else self.seconds / 2
            found[number] = (
                alone if is_idle and alone else self._forked(one, min(until, began + limit))
            )
            labels[one.label] = found[number]
            if one.label == ALONE:
                seconds = now() - began
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
                    data = pickle.dumps(self._result(experiment))
                    file.write(len(data).to_bytes(LENGTH, "big") + data)
            os._exit(0)
        os.close(writing)
        try:
            data = _read(reading, until)
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
        return Packed(kind, data, tuple(bytes(buffer.raw()) for buffer in buffers))

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


def _read(fd: int, until: float) -> bytes:
    """Read what a fork writes, its length first, until it is complete or too late.

    The other end may stay open: a process that the case has left behind has it, too.
    """
    found = bytearray()
    while (left := until - now()) > 0 and select.select([fd], [], [], left)[0]:
        chunk = os.read(fd, 1 << 16)
        found += chunk
        if not chunk or len(found) - LENGTH >= int.from_bytes(found[:LENGTH], "big"):
            return bytes(found[LENGTH:])
    return b""
