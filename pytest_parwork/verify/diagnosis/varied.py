"""A variant of a body and its reference as tasks, and what the experiments on them need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import fields, replace
from typing import Any

from ...backends import bundled
from ...model.dataclass import dataclass
from ...model.outcome import Outcome
from ...model.work import Address
from ...runner.ambient import ambient, serial
from ...transport.addresses import find
from ...transport.payload import Around
from ..computed import computed
from .bench import Experiment
from .laboratory import SEEDS, Laboratory
from .reseeding import with_other_seed
from .treatments import Function

#: The numbers of the tasks: the reference, and the variant that differs from it.
REFERENCE, VARIANT = 0, 1

#: One process is enough, because what differs is the variant.
FIRST = SEEDS[:1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """The body of a variant, called under its ambient configuration if it has one.

    With `is_serial`, it is the reference of such a configuration. `seed` is the number of a seed in
    its source that is to be another one.
    """

    address: Address
    inside: str = ""
    workers: int = 1
    is_serial: bool = False
    seed: int | None = None

    def __reduce__(self) -> tuple[Callable[..., Varied], tuple[Mapping[str, object]]]:
        return _loaded, ({one.name: getattr(self, one.name) for one in fields(self)},)

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Call the body, and compute what it returns if that is a collection of dask."""
        body = find(self.address)
        if self.seed is not None:
            body = with_other_seed(body, self.seed)
        try:
            with self._around():
                value, _ = computed(body(*args, **kwargs))
        finally:
            _end_pool_of_loky()
        return value

    def _around(self) -> AbstractContextManager[None]:
        if not self.inside:
            return nullcontext()
        if self.is_serial:
            return serial()
        return ambient(self.inside, self.workers, bundled().__getitem__)


def _loaded(values: Mapping[str, Any]) -> Varied:
    """Return a variant in the process that is to run it, which imports what each fork needs."""
    made = Varied(**values)
    find(made.address)
    if made.inside:
        bundled()
    return made


def _end_pool_of_loky() -> None:
    """End the processes that joblib keeps for the next call: their process ends without an exit."""
    loky: Any = sys.modules.get("joblib.externals.loky")
    if loky is not None:
        with suppress(Exception):
            loky.get_reusable_executor().shutdown(wait=True, kill_workers=True)


@dataclass(frozen=True, slots=True)
class Reseeded:
    """Replace a seed in the body of a variant, by its number in `seeds_of`."""

    number: int

    def __call__(self, function: Function) -> Function:
        """Return the variant with another seed."""
        return replace(function, seed=self.number) if isinstance(function, Varied) else function


@dataclass(frozen=True, slots=True)
class OnThreads:
    """Have joblib run on threads what the code leaves to its default, processes."""

    treatment: Around | None

    def __call__(self, function: Function) -> Function:
        """Return the function with the other default, around its own treatment."""
        inner = function if self.treatment is None else self.treatment(function)

        def call(*args: object, **kwargs: object) -> object:
            joblib: Any = sys.modules.get("joblib")
            if joblib is None:
                return inner(*args, **kwargs)
            with joblib.parallel_config(backend="threading"):
                return inner(*args, **kwargs)

        return call


def on_threads(experiment: Experiment) -> Experiment:
    """Return the experiment on joblib's threads: processes take a second to start, each time."""
    return replace(
        experiment,
        label=f"{experiment.label}, on threads",
        treatment=OnThreads(experiment.treatment),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is varied: the `argument` or the configuration, as texts name both sides.

    `value` is that of a single argument, None for several and for `inside=`. `others` are the tasks
    with further values of it, made to find out whether a difference follows it. `body` is the test.
    """

    argument: str
    inside: str
    label: str
    reference: str
    value: object
    others: Sequence[tuple[object, int]]
    body: Callable[..., object]


def references(lab: Laboratory, count: int) -> list[Experiment]:
    """Return the reference alone, so many times."""
    return [reference(lab, f"the reference alone, run {n}") for n in range(1, count + 1)]


def reference(lab: Laboratory, label: str, **how: Any) -> Experiment:
    """Return an experiment on the reference."""
    return replace(lab.experiment(label, **how), tasks=(REFERENCE,))


def result(lab: Laboratory, experiment: Experiment) -> Outcome:
    """Return the outcome of an experiment in one process."""
    return lab.outcomes(experiment, FIRST)[0]
