"""The configurations of perturbed runs: what is perturbed, and how it is written in a command."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import islice
from random import Random
from typing import Any, Literal

from ...model.dataclass import dataclass
from ...model.errors import UsageError
from ...model.work import WorkersAsked
from .covering import adjacent_orders, pairwise

#: `given`, `reversed`, `shuffled` by the seed of the row, or by number one of those orders that
#: together hold every pair of cases next to each other.
Order = str

Level = Literal["quick", "full"]

#: More workers than these find no more, and start for longer.
MOST_WORKERS = 16

#: More runs of `full` than these would not fit into its time.
MOST_ORDERS = 12

_ORDERS = ("given", "reversed", "shuffled")
_WRONG = (
    'give quick, full, or a row as it is shown: "backend=threads,workers=9,order=shuffled,seed=7"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One perturbed configuration.

    `backend` names the start method too, `chunk` is the number of tasks in a batch. `hash` is the
    hash seed of new interpreters, None for the usual one; `threads` the limit of native threads.
    `seed` decides on a shuffled order and on pauses. With `pauses`, tasks pause at calls and before
    they return, and the interpreter switches threads as often as it can; `meets` is how many tasks
    each case is, `crowd` how many threads call it at the same time within its worker. With
    `readonly`, arrays among the arguments are read-only. Of code that is parallel itself, `jobs` is
    the number of workers, None for that of its variant, and `reseed` the number of a seed in the
    body of its test that is another one.
    """

    backend: str
    workers: int
    chunk: WorkersAsked = "auto"
    order: Order = "given"
    seed: int = 0
    hash: int | None = None
    threads: int | None = None
    pauses: bool = False
    meets: int = 1
    crowd: int = 1
    readonly: bool = False
    jobs: int | None = None
    reseed: int | None = None

    def __str__(self) -> str:
        parts = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("backend", "workers") or value != field.default:
                parts.append(f"{field.name}={'yes' if value is True else value}")
        return ",".join(parts)

    @property
    def is_fresh(self) -> bool:
        """Whether its processes are new interpreters with a hash seed of their own."""
        return self.hash is not None

    def arrange(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the tasks in the order of the row, each as often as it is run."""
        if self.order == "reversed":
            ordered = list(numbers)[::-1]
        elif self.order == "shuffled":
            ordered = list(numbers)
            Random(self.seed).shuffle(ordered)
        elif self.order == "given":
            ordered = list(numbers)
        else:
            wanted = int(self.order) % max(1, 2 * len(numbers))
            order = next(islice(adjacent_orders(len(numbers)), wanted, None), range(len(numbers)))
            ordered = [numbers[place] for place in order]
        return [number for number in ordered for _ in range(self.meets)]


def parse(text: str) -> Row:
    """Return the row that a command names; raises `UsageError` for what is none."""
    known = {field.name: field for field in fields(Row)}
    values: dict[str, object] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if name not in known or not equals:
            what = f"{part.strip()!r} is no part of a row"
            raise UsageError(f"--parwork-stress={text}: {what}; {_WRONG}")
        values[name] = _value(text, name, value)
    if not {"backend", "workers"} <= values.keys():
        raise UsageError(f"--parwork-stress={text}: a row has a backend and workers; {_WRONG}")
    return Row(**values)  # type: ignore[arg-type]  # checked one by one


def _value(text: str, name: str, value: str) -> object:
    if name == "backend":
        return value
    if name in ("pauses", "readonly") and value in ("yes", "no"):
        return value == "yes"
    if name == "order" and value in _ORDERS:
        return value
    if name == "chunk" and value == "auto":
        return value
    least = 0 if name in ("seed", "order", "hash") else 1
    is_number = name not in ("pauses", "readonly") and value.isascii() and value.isdigit()
    if not is_number or not least <= int(value[:10]) == int(value):
        raise UsageError(f"--parwork-stress={text}: {name} cannot be {value!r}; {_WRONG}")
    return value if name == "order" else int(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The run that is perturbed: its backend and workers, and how many cases it has.

    `starts` are other names of the backend with another start method, `fresh` the backend that
    starts new interpreters, empty where nothing can be sent to one. `is_threaded` says that its
    workers are threads, `is_fixed` that their number is that of a cluster, and
    `is_exclusive` that a case uses what no two tasks may use at the same time.
    """

    backend: str
    workers: int
    cases: int
    starts: Sequence[str] = ()
    fresh: str = ""
    is_threaded: bool = False
    is_fixed: bool = False
    is_exclusive: bool = False

    @property
    def crowd(self) -> int:
        """More workers than cases, or as many as are of use."""
        return self.workers if self.is_fixed else max(2, min(self.cases + 1, MOST_WORKERS))

    @property
    def prime(self) -> int:
        """A prime number that divides the cases into unequal batches, if there are enough."""
        return next((p for p in (3, 5, 7, 11, 2) if self.cases > p and self.cases % p), 1)

    @property
    def meets(self) -> int:
        """How often a case is run at the same time: a single one meets nobody else."""
        return 1 if self.cases > 1 or self.is_exclusive else 8


def quick(base: Base, seed: int) -> Iterator[Row]:
    """Yield three rows: many workers at once, and all cases in one new process, in both orders.

    The two orders hold each pair of cases one after the other, in one and the same process. On
    threads, the state of pytest's process has been changed by then, so two of the rows are of
    threads there.
    """
    many = Row(
        backend=base.backend,
        workers=base.crowd,
        chunk=1,
        order="shuffled",
        seed=seed,
        pauses=True,
        meets=base.meets,
    )
    yield many
    alone = Row(backend=base.fresh or base.backend, workers=1, hash=seed % 1000 + 1)
    if base.is_threaded:
        yield replace(many, workers=2, chunk=base.prime, order="reversed", seed=seed + 1)
        if base.fresh:
            yield alone
            # What is made once for each process was made before, in pytest's process.
            crowd = 1 if base.is_exclusive else 4
            yield replace(alone, order="reversed", seed=seed + 2, pauses=True, crowd=crowd)
    else:
        if not base.fresh:
            alone = replace(alone, hash=None)
        yield replace(alone, order="reversed")
        yield replace(alone, hash=None if alone.hash is None else alone.hash + 1)


def full(base: Base, seed: int) -> Iterator[Row]:
    """Yield the rows of `quick`, a pairwise covering array, orders with all pairs, repeats."""
    yield from quick(base, seed)
    random = Random(seed)
    share = max(1, base.cases // max(1, base.workers))
    starts: list[tuple[str, int | None]] = [
        (name, None) for name in dict.fromkeys((base.backend, *base.starts))
    ]
    if base.fresh and not base.is_threaded:
        starts.append((base.fresh, seed % 1000 + 3))
    workers = (1, 2, base.workers, base.crowd) if not base.is_fixed else (base.workers,)
    factors: dict[str, Sequence[Any]] = {
        "start": starts,
        "workers": tuple(dict.fromkeys(workers)),
        "chunk": tuple(dict.fromkeys((1, share, base.prime))),
        "order": _ORDERS,
        "pauses": (False, True),
        "threads": (None, 1, max(2, os.cpu_count() or 2)),
    }
    for number, values in enumerate(pairwise(factors, random)):
        backend, hash = values.pop("start")
        yield Row(backend=backend, hash=hash, seed=seed + 2 + number, **values)
    one = Row(backend=base.fresh or base.backend, workers=1)
    for number in range(min(base.cases * (1 + base.cases % 2), MOST_ORDERS)):
        yield replace(one, order=str(number), hash=seed % 1000 + 1 if base.fresh else None)
    yield Row(backend=base.backend, workers=base.workers, readonly=True)
    for number in range(3):
        yield Row(
            backend=base.backend,
            workers=base.crowd,
            chunk=1,
            order="shuffled",
            seed=seed + 1000 + number,
            pauses=True,
            meets=1 if base.is_exclusive else max(2, base.meets),
        )
