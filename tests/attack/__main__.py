"""Run the attack suite and print its table; exit with 1 if there is a fault."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import hostile, limits, peers, shooting
from .experiment import JOINED, Experiment, clear_away
from .page import PAGE, REPORTS, write_page
from .reports import Keeping, ran_here
from .running import Runner
from .table import Result, as_table

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

#: How often a fault is tried again to confirm it; a single further one does.
REPEATS = 3

#: Experiments at the same time for each processor: most of their time they wait.
JOBS = 2


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
    parser.add_argument(
        "--signals", type=int, default=6, metavar="N", help="N experiments of each kind of signals"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=1,
        metavar="N",
        help="with N seeds in a row; a backend that has a fault in a round gets no further one",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=JOBS * len(os.sched_getaffinity(0)),
        metavar="N",
        help="experiments at the same time (%(default)s)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="start each session with a new interpreter"
    )
    parser.add_argument(
        "--confirm",
        action="store_true",
        help=f"exit with 1 only if a fault is seen again in one of {REPEATS} repeats",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="results as JSON")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="skip the experiments that are in the report, and add the others to it",
    )
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
    options = parser.parse_args(words)
    if options.resume and options.report is None:
        parser.error("--resume needs --report FILE: the report to continue")
    return options


def number_of(seed: str) -> int:
    """Convert a seed to a number."""
    return int(seed) if seed.isdecimal() else random.Random(seed).getrandbits(32)


def chosen(options: argparse.Namespace, seed: int) -> list[Experiment]:
    """Return the requested experiments, in a seeded order."""
    groups = set(filter(None, options.kinds.split(",")))
    names = set(filter(None, options.only.split(",")))
    numbers = [name.rpartition("-")[2] for name in names]
    count = max(options.signals, *(int(one) for one in numbers if one.isdecimal()), 0)
    found = [
        experiment
        for backend in (peers.PEERS if options.peers else options.backends.split(","))
        for experiment in all_of(backend, seed, count)
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


def all_of(backend: str, seed: int, signals: int) -> Iterator[Experiment]:
    """Yield the experiments of a round of a backend or peer, so many of each kind of signals."""
    if backend in peers.PEERS:
        yield from peers.experiments(backend, seed)
        return
    yield from hostile.experiments(backend, seed)
    yield from shooting.experiments(backend, seed, signals)
    yield from limits.experiments(backend, seed)


def run(
    experiments: Sequence[Experiment], options: argparse.Namespace, keeping: Keeping | None = None
) -> list[Result]:
    """Run experiments, and return their results, with those that a report has of them."""
    known = {} if keeping is None else {(one.id, one.seed): one for one in keeping.results}
    found = [known[one.id, one.seed] for one in experiments if (one.id, one.seed) in known]
    new = [one for one in experiments if (one.id, one.seed) not in known]
    runner = Runner(options.jobs, is_fresh=options.fresh, shows=options.show)
    return found + runner.run(new, None if keeping is None else keeping.add)


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
    sizes = {one.backend: 0 for one in experiments}
    for name in sizes:
        sizes[name] = len(list(all_of(name, seed, options.signals)))
    ran = ran_here(seed=seed, jobs=options.jobs, rounds=sizes)
    keeping = Keeping(ran, options.report, continues=options.resume) if options.report else None
    code = 0
    for at in range(seed, seed + options.rounds):
        left = [one for one in chosen(options, at) if one.backend in sizes]
        for backend in ran_round(left, options, keeping, seed=at):
            del sizes[backend]
            code = 1
    return code


def ran_round(
    experiments: Sequence[Experiment],
    options: argparse.Namespace,
    keeping: Keeping | None,
    *,
    seed: int,
) -> set[str]:
    """Run one round, print its table, and return the backends with faults."""
    began = time.monotonic()
    results = run(experiments, options, keeping)
    order = {one.id: at for at, one in enumerate(sorted(experiments, key=_place))}
    results.sort(key=lambda one: order[one.id])
    if keeping is not None:
        keeping.save()
    print(as_table(results))
    faults = [one.id for one in results if one.verdict == "fault"]
    seconds = time.monotonic() - began
    print(f"{len(results)} experiments, {len(faults)} faults, {seconds:.0f} s, seed {seed}")
    if options.confirm:
        faults = confirmed([one for one in experiments if one.id in faults], options)
    return {one.backend for one in experiments if one.id in faults}


def confirmed(experiments: Sequence[Experiment], options: argparse.Namespace) -> list[str]:
    """Return those that are faults again, run alone; say which are not."""
    alone = argparse.Namespace(**{**vars(options), "jobs": 1})
    found = []
    for experiment in experiments:
        again = run([experiment] * REPEATS, alone)
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
