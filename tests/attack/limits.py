"""The experiments with exhausted resources: full disks, few descriptors, little memory."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .experiment import Experiment, Judgement, Seen, has_mounts
from .judge import NAMED_WITHIN, files_of, is_right, of_ending, shown, summed_up
from .project import write_cases

__all__ = ["experiments"]

COUNT, SECONDS = 10, 0.02

HARD = 20.0

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that applies to pytest and to all that it starts.

    `mount` precedes the command, in a mount namespace of its own. If cases fail under the limit,
    the reason must contain one of `words`.
    """

    name: str
    words: tuple[str, ...]
    mount: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)


#: "No space left on device" does not say on which.
NO_SPACE = ("/dev/shm", "TMPDIR")


def _full(place: str, size: str) -> str:
    fill = f"(cat /dev/zero > '{place}/full' 2>/dev/null || true)"
    return f"mount -t tmpfs -o size={size} tmpfs '{place}' && {fill} &&"


LIMITS = (
    Limit(name="shared-memory-full", words=NO_SPACE, mount=_full("/dev/shm", "1m")),
    Limit(name="temporary-folder-full", words=NO_SPACE, mount=_full("{folder}/tmp", "1m")),
    Limit(
        name="both-full",
        words=NO_SPACE,
        mount=f"{_full('/dev/shm', '1m')} {_full('{folder}/tmp', '1m')}",
    ),
    Limit(
        name="shared-memory-small",
        words=NO_SPACE,
        mount="mount -t tmpfs -o size=1m tmpfs /dev/shm &&",
    ),
    Limit(
        name="shared-memory-read-only",
        words=("/dev/shm",),
        mount="mount -t tmpfs -o ro tmpfs /dev/shm &&",
    ),
    *(
        Limit(
            name=f"file-size-{size}",
            words=("File too large", "RLIMIT_FSIZE", "SIGXFSZ"),
            limits={"RLIMIT_FSIZE": size},
        )
        for size in (200_000, 1_000_000)
    ),
    *(
        Limit(
            name=f"descriptors-{count}",
            words=("Too many open files", "descriptor"),
            limits={"RLIMIT_NOFILE": count},
        )
        for count in (24, 40, 64)
    ),
    *(
        Limit(
            name=f"memory-{size}",
            words=("Cannot allocate memory", "MemoryError", "can't start new thread", "RLIMIT_AS"),
            limits={"RLIMIT_AS": size * MEGABYTE},
        )
        for size in (300, 1000)
    ),
    Limit(
        name="processes",
        words=("Resource temporarily unavailable", "can't start new thread"),
        limits={"RLIMIT_NPROC": 4},
    ),
)


def experiments(backend: str, seed: int) -> Iterator[Experiment]:
    """Yield the experiments of a backend."""
    for limit in LIMITS:
        if limit.mount and not has_mounts():
            continue
        if "RLIMIT_NPROC" in limit.limits and os.getuid() == 0:
            continue  # it does not hold for root
        yield _experiment(limit, backend, seed)


def _experiment(limit: Limit, backend: str, seed: int) -> Experiment:
    def write(folder: Path, generator: random.Random, baseline: float) -> Mapping[str, Any]:
        write_cases(folder, count=COUNT, seconds=SECONDS)
        return {"limits": limit.limits, "limit": 2 * baseline + NAMED_WITHIN + HARD}

    def judge(seen: Seen, baseline: float) -> Judgement:
        return _judge(limit, seen, 2 * baseline + NAMED_WITHIN)

    return Experiment(
        name=limit.name,
        group="limits",
        backend=backend,
        seed=seed,
        write=write,
        judge=judge,
        before=limit.mount,
    )


def _judge(limit: Limit, seen: Seen, allowed: float) -> Judgement:
    """Judge a session under a limit: it must work, or each lost case must name the limit."""
    faults = [*of_ending(seen, {0, 1}), *files_of(seen)]
    own = []
    if not faults:
        if seen.cases is None:
            faults.append("no whole report was written")
        else:
            wrong = [case for case in seen.cases.values() if not is_right(case)]
            texts = {(case.message or case.verdict).splitlines()[0] for case in wrong}
            for case in wrong:
                if not any(word in case.message for word in limit.words):
                    faults.append(f"no right reason: {shown(case)}")
            if len(seen.cases) != COUNT:
                faults.append(f"{len(seen.cases)} cases are reported in place of {COUNT}")
            own = sorted(texts)
    seconds = seen.ending.seconds
    late = f"took {seconds:.1f} s of {allowed:.1f}" if seconds > allowed else ""
    return summed_up(faults, own=own, late=late)
