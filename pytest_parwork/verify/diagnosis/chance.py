"""Probes for what differs from process to process: generators, hash seed, identity, chance."""

from __future__ import annotations

from collections.abc import Sequence

from ...equivalence import compare_outcomes, unordered
from ...model.causes import Cause
from .bench import ALONE, Experiment, Side
from .laboratory import SEEDS, Laboratory
from .resources import written
from .treatments import GENERATORS, Fixed, Held, Seeded

#: Further hash seeds: two processes may have the same order of a set by chance.
MORE_SEEDS = ("3", "4")

#: Further processes with the same hash seeds.
AGAIN = ("1 again", "2 again")

#: The experiment that gives all global generators the same state.
SEEDED = "global generators seeded with 0"

#: Sources of the system: name and detail of the cause, how it is explained, and the remedy.
SOURCES = {
    "pid": (
        "PROCESS_IDENTITY",
        "os.getpid",
        "the result depends on the id of the process",
        "do not return what depends on os.getpid(), or compare without it",
    ),
    "time": (
        "NONDETERMINISTIC_FUNCTION",
        "time",
        "the result depends on the time at which it is computed",
        "pass the time as an argument, or compare without it",
    ),
    "entropy": (
        "NONDETERMINISTIC_FUNCTION",
        "os.urandom",
        "the result depends on random bytes of the system (uuid4, secrets, unseeded generators)",
        "pass a generator that is seeded by the fixture parwork_seed",
    ),
}


def generator_experiments(lab: Laboratory) -> list[Experiment]:
    """Return the experiments on global generators."""
    seeds = (("0", 0, 0), ("1", 1, 1), ("0, run 2", 0, 0), ("0 and 1", 0, 1))
    return [
        lab.experiment(f"global generators seeded with {name}", treatment=Seeded(python, numpy))
        for name, python, numpy in seeds
    ]


def global_generator(lab: Laboratory) -> Cause | None:
    """Find out whether the result depends on the state of a global generator."""
    experiments = generator_experiments(lab)
    first = SEEDS[:1]
    if not lab.differ(*(lab.outcomes(one, first) for one in experiments[:2])):
        return None  # two seeds, one result
    if not lab.are_same(*(lab.outcomes(one, first) for one in experiments[:3:2])):
        return None  # one seed, two results
    zero, one, again, mixed = map(lab.outcomes, experiments)
    if not (lab.differ(zero, one) and lab.are_same(zero, again)):
        return None
    if not lab.is_stable() and not lab.is_settled(SEEDED, Seeded(0, 0)):
        return None  # it differs, too, if the generators are the same
    lab.sides = (
        Side("with seed 0", experiments[0]),
        Side("with seed 1", experiments[1]),
    )
    if lab.are_same(mixed, zero):
        detail, rng = "random", "random.Random(parwork_seed)"
    else:
        by_both = not lab.are_same(mixed, one)
        detail = "random and numpy.random" if by_both else "numpy.random"
        rng = "np.random.default_rng(parwork_seed)"
    return lab.cause(
        "GLOBAL_RNG",
        detail,
        "the case draws from a global generator, whose state depends on what ran before it in the "
        "process; same state, same result; other state, other result",
        f"rng = {rng}, with the fixture parwork_seed",
        confirmed=True,
    )


def hash_seed(lab: Laboratory) -> Cause | None:
    """Find out whether the result depends on the order of sets of strings."""
    if lab.difference.start_method in ("fork", "thread") or not lab.is_stable():
        return None  # these workers have the seed of pytest's process
    first, alone = lab.alone()[0], lab.experiment("alone")
    for seed in ("2", *MORE_SEEDS):
        if seed in MORE_SEEDS:
            lab.start(MORE_SEEDS)
        other = lab.outcomes(alone, [seed])[0]
        if not lab.is_comparable(first, other):
            return None
        if lab.same(first, other):
            continue
        lab.start(anew := ["1 again", f"{seed} again"])
        again = lab.outcomes(alone, anew)
        lab.sides = (
            Side("with hash seed 1", alone),
            Side(f"with hash seed {seed}", alone, seed),
        )
        if lab.are_same(again, [first, other]):
            return lab.cause(
                "HASH_SEED",
                "",
                "the result depends on the order of a set, or on hash(), of strings, which differs "
                "by the hash seed of the process; same seed, same result; other seed, other result",
                "sort what comes from a set, or set PYTHONHASHSEED",
                confirmed=True,
            )
        return lab.cause(
            "PROCESS_IDENTITY",
            "",
            "each new process gives another result, with the same hash seed, too: what a module "
            "makes when it is imported differs",
            "make what differs from process to process in the case, from its arguments",
        )
    return None


def source_of_system(lab: Laboratory) -> Cause | None:
    """Find out whether the result depends on the process id, the time or the system's entropy."""
    if not lab.is_unstable():
        return None
    lab.sides = _two_runs(lab)
    for source, (name, detail, evidence, remedy) in SOURCES.items():
        if lab.is_settled(f"fixed {source}", Fixed(source)):
            why = f"{evidence}; if that is fixed, it is the same in each process, else it differs"
            return lab.cause(name, detail, why, remedy, confirmed=True)
    return None


def chance(lab: Laboratory) -> Cause | None:
    """Find out whether serial runs differ from one another."""
    if not lab.is_unstable():
        return None
    lab.sides = _two_runs(lab)
    held, *free = _held(lab)
    lab.measure([one for pair in (held, *free) for one in pair])
    if not lab.differ(*map(lab.outcomes, held)):
        return _several(lab, free)
    paths = written(lab, with_others=True)
    if paths:  # what the other runs left there is a cause as likely as any
        return lab.cause(
            "NONDETERMINISTIC_FUNCTION",
            "file",
            f"serial runs differ, and each writes {paths}, which the next one may read",
            "give each case a file of its own, as by the fixture tmp_path",
        )
    if _is_shared_by_forks(lab):
        return lab.cause(
            "WORKER_HISTORY",
            "shared memory",
            "each new process gives the same result first, and its later forks give others: each "
            "call changes what the next one finds in memory, or in an open file, that forks share",
            "reset what is shared in each case, or make it each time anew",
        )
    by_order = all(
        bool(compare_outcomes(*pair, unordered()))
        for again in lab.repeats()[1:]
        for pair in zip(lab.alone(), again, strict=True)
    )
    equal = "; compared by unordered() they are equal" if by_order else ""
    return lab.cause(
        "NONDETERMINISTIC_FUNCTION",
        "order only" if by_order else "",
        f"two serial runs in forks of the same process differ, also if process id, time, entropy "
        f"and global generators are the same{equal}",
        "compare=unordered()" if by_order else "make it deterministic, or compare a property of it",
        confirmed=True,
    )


def _is_shared_by_forks(lab: Laboratory) -> bool:
    """Return whether the first call of each new process gives the same, and only later ones not."""
    alone = lab.alone()  # it is the first experiment in each process
    if not lab.same(*alone):
        return False
    lab.start(AGAIN)
    return lab.are_same(alone, lab.outcomes(lab.experiment(ALONE), AGAIN))


def _two_runs(lab: Laboratory) -> tuple[Side, Side]:
    alone = lab.experiment(ALONE)
    return Side("in one run", alone), Side("in another", alone)


def _held(lab: Laboratory) -> list[list[Experiment]]:
    """Return pairs of experiments: with all sources fixed, and with each of them free."""
    labels = {"all sources fixed": Held()}
    labels |= {f"only {source} free": Held(source) for source in (*SOURCES, GENERATORS)}
    return [
        [lab.experiment(f"{label}{more}", treatment=held) for more in ("", ", again")]
        for label, held in labels.items()
    ]


def _several(lab: Laboratory, free: Sequence[Sequence[Experiment]]) -> Cause | None:
    """Return the cause of a result that several sources change, none of which explains it alone."""
    found = [
        source
        for source, pair in zip((*SOURCES, GENERATORS), free, strict=True)
        if lab.differ(*map(lab.outcomes, pair))
    ]
    if not found:
        return None
    return lab.cause(
        "NONDETERMINISTIC_FUNCTION",
        ", ".join(found),
        f"the result is the same if all sources of chance are fixed, and differs if one of these "
        f"is not: {', '.join(found)}",
        "leave them out of the result, or pass them as arguments",
    )
