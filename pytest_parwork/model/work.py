"""Tasks, workloads, and the settings of their runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Literal

from .comparison import Policy
from .dataclass import dataclass
from .public import BACKENDS, public

WorkersAsked = int | Literal["auto"]

#: Which cases form one workload, in pytest's words: those of one function, class, module, session.
Scope = Literal["function", "class", "module", "session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a function is found by import: module, classes around it, attribute.

    With classes, the function is looked up on a fresh instance of the innermost one.
    """

    module: str
    classes: tuple[str, ...] = ()
    attribute: str

    def __str__(self) -> str:
        return ".".join((self.module, *self.classes, self.attribute))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One call: function, arguments, id.

    Threads and the serial run call `function`; `address`, where given, is sent to other processes
    in place of it. `timeout` is the limit in seconds, None for no limit. Where it `is_inherited`,
    nothing of the task is sent: its worker is a fork of this process, started for it. `test` is the
    name of the running test while the function is called, empty if the worker is not to set it.
    """

    id: str
    function: Callable[..., object]
    address: Address | None = None
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)
    timeout: float | None = None
    is_inherited: bool = False
    test: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A name and an ordered tuple of tasks."""

    name: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Backend, workers and the other settings of one parallel run.

    `is_scaled` says that it is one of several numbers of workers.
    """

    backend: str
    workers: WorkersAsked = "auto"
    chunksize: WorkersAsked = "auto"
    is_scaled: bool = field(default=False, compare=False)

    @property
    def id(self) -> str:
        """Name the configuration without anything that depends on the machine: `joblib-auto`."""
        return f"{self.backend}-{self.workers}"

    @property
    def is_baseline(self) -> bool:
        """Whether it has one worker because others that it is compared with have more."""
        return self.is_scaled and self.workers == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The number of workers of a run, and its `source` in a few words.

    `cpus` is the number of CPUs that this process may use, `cpus_limit` the limit that keeps it
    below the machine's. `is_capped` says that a test asked for more workers than the user allows.
    """

    workers: int
    source: str
    cpus: int
    cpus_limit: str = ""
    is_capped: bool = False

    def for_tasks(self, tasks: int) -> Budget:
        """Return the budget for this number of tasks: no worker is started that would be idle."""
        if tasks >= self.workers:
            return self
        source = "1 task" if tasks == 1 else f"{tasks} tasks"
        return replace(self, workers=max(1, tasks), source=source, is_capped=False)

    def granted(self, workers: int) -> Budget:
        """Return the budget with the number of workers that the backend granted."""
        if workers == self.workers:
            return self
        source = f"{workers} granted by the backend"
        return replace(self, workers=workers, source=source, is_capped=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The resolved settings of a case in one configuration.

    Cases that share a name in `exclusive` never run at the same time. Each case is `repeat` tasks.
    """

    configuration: Configuration
    policy: Policy
    verify: float = 1.0
    timeout: float | None = None
    min_speedup: float | None = None
    diagnose: bool = True
    scope: Scope = "function"
    exclusive: tuple[str, ...] = ()
    repeat: int = 1


@public(BACKENDS)
@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Tasks sent together, by number."""

    number: int
    tasks: tuple[int, ...]
