"""Perturbed runs of code that is parallel itself: variants next to their references."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any

from ...backends.protocol import Backend
from ...machine.clock import now
from ...machine.surroundings import environment
from ...model.dataclass import dataclass
from ...model.errors import BackendError
from ...model.listing import shorten
from ...model.outcome import Outcome, Verdict
from ...model.work import Configuration
from ...report.stress import StressRun
from ...runner import Rerun
from ...runner.outcomes import Outcomes
from ...worker.seeding import reseed
from ..diagnosis.varied import Reseeded
from ..legs import Judged
from .covering import pairwise
from .pauses import Perturbed
from .rows import Row
from .trial import LONGEST, Found, limit_of, text_of

#: The backend of all rows: what a variant does may not change pytest's process once more.
FRESH = "processes:spawn"

#: Compares the outcome of a variant with that of its reference, by the number of the case.
Judge = Callable[[int, Outcome, Outcome], Judged]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariedBase:
    """What is perturbed: the number of workers of the variant, 0 if its values are none.

    `seeds` is how many seeds the body of the test passes.
    """

    jobs: int = 0
    seeds: int = 0


def quick(base: VariedBase, seed: int) -> Iterator[Row]:
    """Yield a row with pauses, and variants before their references, and one with more workers.

    A third one has another seed, if there is one in the body.
    """
    hash = seed % 1000 + 1
    yield Row(backend=FRESH, workers=1, order="reversed", seed=seed, hash=hash, pauses=True)
    jobs = base.jobs + 1 if base.jobs > 1 else None
    yield Row(
        backend=FRESH,
        workers=1,
        order="shuffled",
        seed=seed + 1,
        hash=hash + 1,
        threads=1,
        jobs=jobs,
    )
    if base.seeds:
        yield Row(backend=FRESH, workers=1, seed=seed + 2, hash=hash, reseed=1)


def full(base: VariedBase, seed: int) -> Iterator[Row]:
    """Yield the rows of `quick`, and those in which each two values of two factors meet."""
    yield from quick(base, seed)
    hash = seed % 1000 + 3
    factors: dict[str, Sequence[Any]] = {
        "order": ("given", "reversed", "shuffled"),
        "hash": (hash, hash + 1),
        "pauses": (False, True),
        "threads": (None, 1, 2),
    }
    if base.jobs > 1:
        factors["jobs"] = (None, base.jobs + 1, 2 * base.jobs)
    if base.seeds:
        factors["reseed"] = (None, *range(1, base.seeds + 1))
    for number, values in enumerate(pairwise(factors, Random(seed))):
        yield Row(backend=FRESH, workers=1, seed=seed + 3 + number, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Wraps the body of a variant, or of its reference: another seed, then pauses.

    With `generators`, global generators are seeded with it before each call, as pytest-randomly
    does it in pytest's process.
    """

    reseed: int | None
    perturbed: Perturbed | None
    generators: int | None = None

    def __call__(self, function: Callable[..., object]) -> Callable[..., object]:
        if self.reseed is not None:
            function = Reseeded(self.reseed - 1)(function)
        if self.perturbed is not None:
            function = self.perturbed(function)
        return function if self.generators is None else partial(_seeded, self.generators, function)


def _seeded(seed: int, function: Callable[..., object], *args: object, **kwargs: object) -> object:
    reseed(seed)
    return function(*args, **kwargs)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariedSubject:
    """The cases of a variant that are perturbed, all equal to their reference.

    `numbers` has, for each case by its number, the tasks of its reference and of the variant, and
    `more` that of the variant with so many workers. `ids` are the ids of the cases, `kinds` how
    they ended in pytest's process, `slowest` is the longest call of any in seconds. `reference`
    names the reference in texts. `is_seeded` says that pytest-randomly seeds global generators
    before each of them.
    """

    rerun: Rerun
    reference: str
    numbers: Mapping[int, tuple[int, int]]
    more: Mapping[tuple[int, int], int]
    ids: Mapping[int, str]
    kinds: Mapping[int, str]
    slowest: float
    find: Callable[[str], Backend]
    judge: Judge
    is_seeded: bool = False

    def run(self, row: Row) -> StressRun:
        """Run each variant and its reference in one new process, and compare them."""
        if row.backend != FRESH:
            why = f"variants run again on {FRESH} only, not on {row.backend}"
            return StressRun(row=str(row), verdict=Verdict.NOT_SENT, note=why)
        began = now()
        pairs = {case: self._pair(case, row) for case in self.numbers}
        order = row.arrange([task for pair in pairs.values() for task in pair])
        perturbed = Perturbed(seed=row.seed, pauses=True, is_inner=True) if row.pauses else None
        limit = limit_of(self.slowest)
        try:
            with environment({} if row.hash is None else {"PYTHONHASHSEED": str(row.hash)}):
                run = self.rerun.run_elsewhere(
                    order,
                    self.find(row.backend),
                    Configuration(backend=row.backend, workers=1),
                    timeout=limit,
                    threads=row.threads,
                    around=Around(
                        reseed=row.reseed,
                        perturbed=perturbed,
                        generators=row.seed if self.is_seeded else None,
                    ),
                )
        except BackendError as error:
            return StressRun(row=str(row), verdict=Verdict.NOT_SENT, note=str(error))
        assert isinstance(run.outcomes, Outcomes)
        places = {task: at for at, task in enumerate(order)}
        found = Found(row, self.reference)
        try:
            for case, pair in pairs.items():
                expected, actual = (run.outcomes.load(places[task], limit) for task in pair)
                if expected.kind == self.kinds[case]:
                    found.add(self.ids[case], actual, self.judge(case, actual, expected))
                else:
                    name = self.ids[case].rpartition("::")[2]
                    text = shorten(text_of(expected), LONGEST)
                    found.note(
                        f"{name} was not compared: in a new process, its reference ends with "
                        f"{text}; it needs what pytest's process has"
                    )
        finally:
            run.outcomes.close()
        return found.entry(now() - began)

    def _pair(self, case: int, row: Row) -> tuple[int, int]:
        reference, variant = self.numbers[case]
        return reference, variant if row.jobs is None else self.more.get((case, row.jobs), variant)
