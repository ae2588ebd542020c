"""The request for a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from itertools import chain
from typing import TYPE_CHECKING

from ..model.dataclass import dataclass
from ..transport.sources import Sendable

if TYPE_CHECKING:
    from ..machine.surroundings import Surroundings
    from ..model.output import Capture
    from ..model.work import Configuration, Workload
    from ..transport.modules import ModuleTable
    from ..transport.payload import Around
    from ..transport.rewritten import RewrittenCode
    from .guard import Guard
    from .stop import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress of a run, in numbers of tasks.

    `done` have an outcome, of which `failed` are failures; `lost` are lost, `running` are being
    run by a worker. At the end, `done` and `lost` add up to `total`.
    """

    total: int
    done: int
    failed: int
    lost: int
    running: int
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One configuration on one workload, with all settings of the run.

    `modules` are those that a worker may not be able to import by itself, `rewritten` is the code
    of those in which pytest has rewritten the assertions. `sendable` says which files may be sent
    to workers without access to the project. `guard` ends workers if pytest is killed. `capture`
    says which output of the tasks has to be returned with their outcomes, None for none.
    `surroundings` are those of this process, for workers of this machine that started earlier.

    Tasks start in the best order: with `durations`, seconds by task number, the longest first;
    with `stop`, in the order of the workload until so many have failed. `order` is the exact order
    in which they are submitted, `batches` are the exact batches; either names each task by its
    number, once. Tasks that share a lane in `lanes`, by number, are one batch, so that no two of
    them run at the same time. `copies` says how many tasks in a row are the same call: they are
    spread over the workers, so that it meets itself.

    `progress` is called now and then while tasks run, and once at the end; its exceptions are
    ignored. With `keep`, the outcomes have a `rerun` that can run tasks again with their original
    arguments. `around` wraps the function of each task, where the task runs; it is pickled.
    `threads` is the limit of native threads, None for the share of a worker.
    """

    workload: Workload
    configuration: Configuration
    modules: ModuleTable = field(default_factory=dict)
    rewritten: RewrittenCode = field(default_factory=dict)
    sendable: Sendable = field(default_factory=Sendable)
    durations: Mapping[int, float] | None = None
    order: Sequence[int] | None = None
    batches: Sequence[Sequence[int]] | None = None
    lanes: Mapping[int, int] = field(default_factory=dict)
    copies: int = 1
    stop: Stop | None = None
    guard: Guard | None = None
    capture: Capture | None = None
    surroundings: Surroundings | None = None
    progress: Callable[[Progress], None] | None = None
    keep: bool = False
    around: Around | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.order is not None and self.batches is not None:
            raise ValueError("a run has an order or batches, not both; batches have an order")
        named = self.order
        if self.batches is not None:
            if not all(self.batches):
                raise ValueError("batches has an empty batch; leave it out")
            named = list(chain.from_iterable(self.batches))
        if named is not None and sorted(named) != list(range(len(self.workload.tasks))):
            kind = "order" if self.order is not None else "batches"
            raise ValueError(
                f"{kind} has the tasks {_shown(named)}, but not each of the "
                f"{len(self.workload.tasks)} tasks of the workload exactly once; name 0 to "
                f"{len(self.workload.tasks) - 1}"
            )


def _shown(numbers: Sequence[int]) -> str:
    first = ", ".join(map(str, numbers[:10]))
    return f"{first}, …" if len(numbers) > 10 else first
