"""The experiments with hostile kinds, one for each backend on which they make sense."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .experiment import JOINED, Experiment, Judgement, Seen
from .judge import NAMED_WITHIN, judge_kind
from .kinds import KINDS, Kind
from .project import write_project

__all__ = ["baseline_of", "experiments"]

#: Seconds beyond the allowed time after which a session is killed.
HARD = 20.0


def experiments(backend: str, seed: int) -> Iterator[Experiment]:
    """Yield the experiments of a backend."""
    for kind in KINDS.values():
        is_possible = (backend != "threads" or kind.on_threads) and kind.only in backend
        if is_possible and (not kind.needs or find_spec(kind.needs)):
            readings = (*kind.survived, *(kind.joined if backend == JOINED else ()))
            yield _experiment(replace(kind, survived=readings), backend, seed)


def baseline_of(backend: str, number: int) -> Experiment:
    """Return the experiment that measures the time of a backend without an attack."""
    return _experiment(KINDS["innocent"], backend, number)


def _experiment(kind: Kind, backend: str, seed: int) -> Experiment:
    def chosen(generator: random.Random) -> tuple[int, tuple[int, ...], int | None]:
        count = generator.randint(8, 12)
        one = generator.randrange(count)
        chunksize = generator.choice([None, None, 1])
        return count, tuple(range(count)) if kind.is_every else (one,), chunksize

    def write(folder: Path, generator: random.Random, baseline: float) -> Mapping[str, Any]:
        count, guilty, chunksize = chosen(generator)
        write_project(folder, kind, guilty=guilty, count=count, chunksize=chunksize)
        whole = baseline + (len(guilty) - 1) * baseline / 2
        return {"limit": (kind.timeout or 0.0) + kind.patience + NAMED_WITHIN + whole + HARD}

    def judge(seen: Seen, baseline: float) -> Judgement:
        count, guilty, _ = chosen(experiment.random)
        return judge_kind(seen, baseline, kind=kind, guilty=guilty, count=count)

    experiment = Experiment(
        name=kind.name, group=kind.group, backend=backend, seed=seed, write=write, judge=judge
    )
    return experiment
