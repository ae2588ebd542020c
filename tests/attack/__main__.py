"""Run the attack suite and print its table; exit with 1 if there is a fault."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import hostile, limits, peers, shooting
from .experiment import JOINED, Experiment, clear_away, run_experiment
from .judge import NAMED_WITHIN
from .page import PAGE, REPORTS, write_page
from .reports import Report, ran_here, save
from .table import Result, as_table, fault_text

#: The backends, the quick ones first.
BACKENDS = (
    "processes:fork",
    "processes:spawn",
    "processes:forkserver",
    "multiprocessing:fork",
    "isolated:fork",
    "isolated:spawn",
    "joblib",
    "joblib:multiprocessing",
    "dask",
    JOINED,
    "joblib:dask",
    "threads",
)

#: How often a backend is measured without an attack; the slowest run counts.
BASELINES = 2

#: How often a fault is tried again to confirm it; a single further one does.
REPEATS = 3

#: Seconds of a computation that shows how busy the machine is, and how many times slower it may be.
COMPUTED, SLOWEST = 0.3, 5.0


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    known = ", ".join(peers.PEERS)
    parser = argparse.ArgumentParser(prog="python -m attack", description=__doc__)
    parser.add_argument("--seed", default="0", help="a number, or a text such as a commit's hash")
    parser.add_argument("--backends", default=",".join(BACKENDS), metavar="NAMES")
    parser.add_argument("--peers", action="store_true", help=f"run these instead: {known}")
    parser.add_argument("--kinds", default="", metavar="GROUPS", help="groups of experiments")
    parser.add_argument("--only", default="", metavar="NAMES", help="names of experiments")
    parser.add_argument("-k", default="", metavar="TEXT", help="names that contain this text")
    parser.add_argument(
        "--sample", type=int, metavar="N", help="only N experiments, chosen by the seed"
    )
    parser.add_argument(
        "--each", type=int, metavar="N", help="only N experiments of each group, the same for all"
    )
    parser.add_argument("--rounds", type=int, default=6, help="rounds of random signals")
    parser.add_argument("--jobs", type=int, default=1, help="experiments at the same time")
    parser.add_argument(
        "--confirm",
        action="store_true",
        help=f"exit with 1 only if a fault is seen again in one of {REPEATS} repeats",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="results as JSON")
    parser.add_argument("--list", action="store_true", help="only print the experiments")
    parser.add_argument("--show", action="store_true", help="print the output of every session")
    parser.add_argument(
        "--page",
        type=Path,
        nargs="?",
        const=PAGE,
        metavar="FILE",
        help=f"write the tables of {PAGE.name}, made of the reports in docs/{REPORTS.name}",
    )
    return parser.parse_args(words)


def number_of(seed: str) -> int:
    """Convert a seed to a number."""
    return int(seed) if seed.isdecimal() else random.Random(seed).getrandbits(32)


def chosen(options: argparse.Namespace, seed: int) -> list[Experiment]:
    """Return the requested experiments, in a seeded order."""
    groups = set(filter(None, options.kinds.split(",")))
    names = set(filter(None, options.only.split(",")))
    numbers = [name.rpartition("-")[2] for name in names]
    rounds = max(options.rounds, *(int(one) for one in numbers if one.isdecimal()), 0)
    found = [
        experiment
        for backend in (peers.PEERS if options.peers else options.backends.split(","))
        for experiment in all_of(backend, seed, rounds)
        if (not groups or experiment.group in groups)
        and (not names or experiment.name in names)
        and options.k in experiment.id
    ]
    if options.each:
        kept = _of_each_group(found, options.each, seed)
        found = [experiment for experiment in found if experiment.name in kept]
    random.Random(seed).shuffle(found)
    return found[: options.sample]


def _of_each_group(found: Sequence[Experiment], count: int, seed: int) -> set[str]:
    """Choose so many names of each group; the one without an attack is no group."""
    groups: dict[str, dict[str, None]] = {}
    for experiment in found:
        groups.setdefault(experiment.group, {})[experiment.name] = None
    generator, kept = random.Random(seed), set[str]()
    for group, names in sorted(groups.items()):
        if group != "innocent":
            kept.update(generator.sample(list(names), min(count, len(names))))
    return kept


def all_of(backend: str, seed: int, rounds: int) -> Iterator[Experiment]:
    """Yield the experiments of a round of a backend or peer."""
    if backend in peers.PEERS:
        yield from peers.experiments(backend, seed)
        return
    yield from hostile.experiments(backend, seed)
    yield from shooting.experiments(backend, seed, rounds)
    yield from limits.experiments(backend, seed)


def measured(backend: str) -> float:
    """Return the seconds that a backend takes now without an attack."""
    subject = peers if backend in peers.PEERS else hostile
    seconds = []
    for number in range(BASELINES):
        seen = run_experiment(subject.baseline_of(backend, number), 20.0)
        if seen.ending.code != 0:
            raise SystemExit(f"{backend} fails without any attack:\n{seen.tail}")
        seconds.append(seen.ending.seconds)
    return max(seconds)


def slowness() -> float:
    """Return how many times longer than its processor time a computation takes now."""
    began, busy = time.monotonic(), time.process_time()
    while time.process_time() - busy < COMPUTED:
        pass
    return min((time.monotonic() - began) / COMPUTED, SLOWEST)


def tried(experiment: Experiment, baseline: float, *, shows: bool) -> Result:
    """Run an experiment.

    If only its time is too long, the machine may be busy with something else. Then it is run again,
    and the allowed time grows by as much as the backend without an attack has become slower, or by
    as much as a computation takes longer here than its processor time.
    """
    seen = run_experiment(experiment, baseline)
    judgement = experiment.judge(seen, baseline)
    if is_second := judgement.is_late:
        now = max(baseline, measured(experiment.backend))
        baseline = now + NAMED_WITHIN * (max(now / baseline, slowness()) - 1)
        seen = run_experiment(experiment, baseline)
        judgement = experiment.judge(seen, baseline)
    if shows:
        print(seen.output)
    return Result(
        name=experiment.name,
        group=experiment.group,
        backend=experiment.backend,
        seed=experiment.seed,
        verdict=judgement.verdict,
        reasons=judgement.reasons,
        seconds=seen.ending.seconds,
        baseline=baseline,
        is_second=is_second,
        shots=seen.ending.shots,
        tail=seen.tail if judgement.verdict == "fault" else "",
    )


def run(
    experiments: Sequence[Experiment],
    jobs: int,
    shows: bool,
    keep: Callable[[list[Result]], None],
) -> list[Result]:
    """Run experiments, and print faults as they are found."""
    baselines = {name: measured(name) for name in {one.backend: 0 for one in experiments}}
    results: list[Result] = []

    def one(experiment: Experiment) -> None:
        result = tried(experiment, baselines[experiment.backend], shows=shows)
        results.append(result)
        if result.verdict == "fault" or shows:
            print(fault_text(result) if result.verdict == "fault" else result, flush=True)
        keep(results)

    with ThreadPoolExecutor(jobs) as lanes:
        for done in [lanes.submit(one, experiment) for experiment in experiments]:
            done.result()
    return results


def main(words: Sequence[str] | None = None) -> int:
    """Run the suite with these options."""
    options = parsed(words)
    if options.page:
        write_page(options.page)
        return 0
    seed = number_of(options.seed)
    experiments = chosen(options, seed)
    if options.list:
        print(*(f"{one.group:12} {one.id}" for one in experiments), sep="\n")
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    began = time.monotonic()
    backends = {one.backend: None for one in experiments}
    rounds = {name: len(list(all_of(name, seed, options.rounds))) for name in backends}
    ran = ran_here(seed=seed, jobs=options.jobs, rounds=rounds)

    def keep(results: list[Result]) -> None:
        if options.report is not None:
            save(Report(ran=ran, results=list(results)), options.report)

    results = run(experiments, options.jobs, options.show, keep)
    order = {one.id: at for at, one in enumerate(sorted(experiments, key=_place))}
    results.sort(key=lambda one: order[f"{one.name}@{one.backend}"])
    keep(results)
    print(as_table(results))
    faults = [f"{one.name}@{one.backend}" for one in results if one.verdict == "fault"]
    seconds = time.monotonic() - began
    print(f"{len(results)} experiments, {len(faults)} faults, {seconds:.0f} s, seed {seed}")
    if options.confirm:
        faults = confirmed([one for one in experiments if one.id in faults], options.show)
    return 1 if faults else 0


def confirmed(experiments: Sequence[Experiment], shows: bool) -> list[str]:
    """Return those that are faults again, run alone; say which are not."""
    found = []
    for experiment in experiments:
        again = run([experiment] * REPEATS, 1, shows, lambda results: None)
        count = sum(one.verdict == "fault" for one in again)
        print(f"again: {experiment.id} is a fault in {count} of {REPEATS} repeats", flush=True)
        if count:
            found.append(experiment.id)
    return found


def _end(number: int, frame: FrameType | None) -> NoReturn:
    clear_away()
    os._exit(128 + number)


def _place(experiment: Experiment) -> tuple[int, str]:
    return [*BACKENDS, experiment.backend].index(experiment.backend), experiment.group


if __name__ == "__main__":
    sys.exit(main())
