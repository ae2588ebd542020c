"""The experiments with signals: to workers, to starting processes, to pytest."""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .experiment import Case, Experiment, Judgement, Seen
from .judge import NAMED_WITHIN, files_of, is_right, of_ending, shown, summed_up
from .project import write_cases
from .signals import Shot, at_pytest, at_workers

__all__ = ["experiments"]

#: Innocent cases of a session under fire, and the seconds that two of three take.
COUNT, SECONDS = 40, 0.05

#: Seconds of all cases, on two workers.
WORK = COUNT * SECONDS * 2 / 3 / 2

#: Each case starts Python there, which takes nearly all of the time; a baseline has 8 or more.
STARTING, STARTED = "isolated:spawn", 8

HARD = 20.0

#: Seconds of a case where workers are stopped.
TIMEOUT = 2.0

#: The possible descriptions of a death by such a signal: some have handlers, others exit.
DEATHS = ("SIG", "signal", "exit code")

#: A semaphore that the C library was making when it was killed. Until it has its name, nobody can
#: know whose it is, and so nobody may remove it: sem_open(3), in glibc.
_HALF_MADE = re.compile(r"/dev/shm/sem\.[A-Za-z0-9]{6}").fullmatch

#: What pytest may end with: of Ctrl-C before pytest is loaded Python itself dies.
INTERRUPTED = {2, -signal.SIGINT, 130}

Shots = Callable[[random.Random, float], Sequence[Shot]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """The target of the signals, and the exit codes of pytest that are accepted besides 0 and 1.

    `act` is what each case does first.
    """

    name: str
    group: str
    shots: Shots
    codes: frozenset[int] = frozenset()
    timeout: float | None = None
    takes: float = 0.0
    may_lose: bool = True
    act: str = ""


def _stops(generator: random.Random, seconds: float) -> Sequence[Shot]:
    return [Shot(at=generator.uniform(0, seconds), to="worker", number=int(signal.SIGSTOP))]


def _storm(generator: random.Random, seconds: float) -> Sequence[Shot]:
    return at_workers(generator, seconds, generator.randint(2, 6))


def _at_start(generator: random.Random, seconds: float) -> Sequence[Shot]:
    return [
        Shot(
            at=generator.uniform(0.0, seconds),
            to="child",
            number=int(signal.SIGKILL),
            pick=generator.random(),
        )
    ]


def _at_pytest(*numbers: int) -> Shots:
    return lambda generator, seconds: at_pytest(generator, seconds, numbers)


def _paused(generator: random.Random, seconds: float) -> Sequence[Shot]:
    at = generator.uniform(0.0, seconds)
    return [
        Shot(at=at, to="pytest", number=int(signal.SIGSTOP)),
        Shot(at=at + 2.5, to="pytest", number=int(signal.SIGCONT)),
    ]


#: A child in a group of its own, which no signal ends but SIGKILL.
LEAVES_A_CHILD = """
if os.fork() == 0:
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(600)
    os._exit(0)
"""

#: Two of three cases end only by SIGKILL; on threads they never end.
IS_DEAF = """
if n % 3:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(600)
"""

KILL, TERM, INT = int(signal.SIGKILL), int(signal.SIGTERM), int(signal.SIGINT)

#: The signals that end pytest, and what it ends with; of SIGTERM as of Ctrl-C, where parwork does.
ENDING: Mapping[str, tuple[Sequence[int], frozenset[int]]] = {
    "pytest-killed": ([KILL], frozenset({-KILL})),
    "pytest-terminated": ([TERM], frozenset({-TERM, 143, 2})),
    "ctrl-c": ([INT], frozenset(INTERRUPTED)),
    "ctrl-c-twice": ([INT, INT], frozenset(INTERRUPTED)),
    "ctrl-c-and-kill": ([INT, KILL], frozenset({*INTERRUPTED, -KILL})),
}

#: What cases do in the meantime; a single signal has to suffice then.
ACTS = {"": "", "-with-children": LEAVES_A_CHILD, "-with-the-deaf": IS_DEAF}

FIRES = (
    Fire(name="worker-signals", group="signals", shots=_storm),
    Fire(name="worker-stopped", group="signals", shots=_stops, timeout=TIMEOUT),
    Fire(name="child-killed", group="signals", shots=_at_start),
    Fire(
        name="pytest-paused",
        group="pytest",
        shots=_paused,
        timeout=TIMEOUT,
        takes=2.5,
        may_lose=False,
    ),
    *(
        Fire(name=f"{name}{suffix}", group="pytest", shots=_at_pytest(*sent), codes=codes, act=act)
        for suffix, act in ACTS.items()
        for name, (sent, codes) in ENDING.items()
        if not act or len(sent) == 1
    ),
)


def experiments(backend: str, seed: int, rounds: int) -> Iterator[Experiment]:
    """Yield the experiments of a backend, so many of each."""
    for number in range(1, rounds + 1):
        for fire in FIRES:
            # On threads, children are those of pytest's own process.
            if backend != "threads" or (fire.group == "pytest" and fire.act != LEAVES_A_CHILD):
                yield _experiment(fire, number, backend, seed)


def _experiment(fire: Fire, number: int, backend: str, seed: int) -> Experiment:
    def write(folder: Path, generator: random.Random, baseline: float) -> Mapping[str, Any]:
        write_cases(folder, count=COUNT, seconds=SECONDS, timeout=fire.timeout, act=fire.act)
        whole = whole_of(backend, baseline)
        return {"shots": fire.shots(generator, whole), "limit": 2 * whole + NAMED_WITHIN + HARD}

    def judge(seen: Seen, baseline: float) -> Judgement:
        return _judge(fire, seen, baseline, whole_of(backend, baseline))

    return Experiment(
        name=f"{fire.name}-{number}",
        group=fire.group,
        backend=backend,
        seed=seed,
        write=write,
        judge=judge,
    )


def whole_of(backend: str, baseline: float) -> float:
    """Return the seconds that a session takes without signals."""
    return baseline * COUNT / STARTED if backend == STARTING else baseline + WORK


def _judge(fire: Fire, seen: Seen, baseline: float, whole: float) -> Judgement:
    """Judge a session under fire: it must have completed, or exited as expected of the signals.

    `baseline` is what a small session takes, `whole` this one, both without signals.
    """
    half_made = [] if seen.ending.code != -KILL else list(filter(_HALF_MADE, seen.ending.files))
    whole_files = [name for name in seen.ending.files if name not in half_made]
    seen = replace(seen, ending=replace(seen.ending, files=whole_files))
    ending = seen.ending
    faults = [*of_ending(seen, {0, 1, *fire.codes}), *files_of(seen)]
    allowed = NAMED_WITHIN + whole + fire.takes + len(ending.shots) * baseline / 2
    if ending.code in fire.codes and not ending.shots:
        faults.append(f"pytest ended with {ending.code} before any signal")
    elif ending.code in fire.codes:
        # The end of a session takes longer, too, where a whole one takes longer than that.
        allowed = ending.last_shot + max(NAMED_WITHIN, baseline)
    elif ending.shots and "test session starts" not in seen.output:
        pass  # Python itself was starting
    elif not faults:
        faults += _of_cases(fire, seen)
        allowed += TIMEOUT if fire.timeout else 0.0
    seconds = ending.seconds
    late = f"took {seconds:.1f} s of {allowed:.1f}" if seconds > allowed else ""
    return summed_up(faults, late=late, own=[f"half made: {name}" for name in half_made])


def _of_cases(fire: Fire, seen: Seen) -> list[str]:
    """Return the faults of a completed session: too many lost cases, or wrong reasons."""
    if seen.cases is None or len(seen.cases) != COUNT:
        return ["no whole report was written"]
    wrong = [case for case in seen.cases.values() if not is_right(case)]
    allowed = len(seen.ending.shots) if fire.may_lose else 0
    faults = []
    if len(wrong) > allowed:
        faults.append(f"{len(wrong)} of {COUNT} cases for {len(seen.ending.shots)} signals")
    faults += [shown(case) for case in wrong if not _is_named(case)]
    if seen.ending.code != bool(wrong):
        faults.append(f"pytest ended with {seen.ending.code}, though {len(wrong)} cases failed")
    return faults


def _is_named(case: Case) -> bool:
    """Return whether the loss of a case is reported with the right reason."""
    if case.verdict != "LOST":
        return False
    if case.reason == "timeout":
        return "timed out" in case.message
    return case.reason == "crash" and any(word in case.message for word in DEATHS)
