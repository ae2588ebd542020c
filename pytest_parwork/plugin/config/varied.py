"""The values of `vary=`, checked and named, and the rule that a test has one way into parwork."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import pytest

from ...equivalence import show
from ...machine.budget import resolve
from ...machine.cpus import usable_cpus
from ...model.dataclass import dataclass
from ...model.errors import UsageError
from ...model.work import WorkersAsked
from .options import KEYWORDS

if TYPE_CHECKING:
    from ...report.variants import Variation

#: A test has one of these; among several markers the closest one decides.
CHOICES = ("backend", "vary", "inside")

#: What the other keywords of a marker can be, by the choice that gives them no meaning otherwise.
ALONGSIDE: Mapping[str, Collection[str]] = {
    "vary": ("compare", "timeout", "min_speedup", "diagnose"),
    "inside": ("compare", "timeout", "min_speedup", "diagnose", "workers"),
}

#: Parameters that usually say how parallel the code under test is to run.
PARALLELISM = frozenset(
    (
        *("n_jobs", "njobs", "n_workers", "nworkers", "num_workers", "workers", "max_workers"),
        *("n_threads", "nthreads", "num_threads", "threads", "max_threads", "n_cores", "cores"),
        *("n_procs", "nprocs", "num_procs", "n_processes", "num_processes", "processes"),
        "scheduler",
    )
)

#: The schedulers of dask that run tasks one after the other.
SERIAL_SCHEDULERS = frozenset(("sync", "synchronous", "single-threaded"))

#: Types whose values are equal if their texts are.
_PLAIN = (bool, int, float, complex, str, bytes, type(None))

#: Most characters of a value in an id.
_LONGEST = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variant:
    """One set of varied arguments: the reference, or one to compare with it.

    `variation` describes it for reports, `id` is its part of the test's id, empty where there is
    nothing to distinguish. `values` are the arguments by name, `reference_values` those of
    the reference, `marks` those of a `pytest.param`.
    `inside` is the ambient configuration of `inside=`, with so many `workers`.
    """

    variation: Variation
    id: str
    is_reference: bool = False
    values: Mapping[str, object]
    reference_values: Mapping[str, object] = field(default_factory=dict)
    marks: tuple[Any, ...] = ()
    inside: str = ""
    workers: int = 1

    @property
    def label(self) -> str:
        """Its name in texts."""
        return self.variation.label


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Value:
    """A value of a varied argument, as `vary=` gives it."""

    value: object
    text: str
    marks: tuple[Any, ...]


Vary = Mapping[str, Sequence[_Value]]


def merge(merged: Mapping[str, object], given: Mapping[str, object]) -> dict[str, object]:
    """Add the keywords of a closer marker; raises `UsageError` for keywords without a meaning."""
    chosen = [choice for choice in CHOICES if choice in given]
    if len(chosen) > 1:
        texts = " and ".join(f"{name}={show(given[name])}" for name in chosen)
        raise UsageError(
            f"{texts} in one marker: a test has one of {', '.join(CHOICES)}; remove the other"
        )
    found = dict(merged)
    for choice in chosen:
        dropped = {*CHOICES, *(KEYWORDS.keys() - ALONGSIDE.get(choice, KEYWORDS.keys()))}
        found = {name: value for name, value in merged.items() if name not in dropped}
    found.update(given)
    for choice, allowed in ALONGSIDE.items():
        for name in found:
            if choice in found and name in KEYWORDS and name not in (choice, *allowed):
                raise UsageError(
                    f"{name}={show(found[name])} has no meaning with {choice}=, whose calls run in "
                    f"pytest's process; remove it"
                )
    return found


def check_vary(given: object) -> Vary | None:
    """Return the checked values of `vary=` by argument, None where there is none."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or not given:
        raise UsageError(f"vary={show(given)}; give {KEYWORDS['vary']}")
    return {name: _check_values(name, values) for name, values in given.items()}


def _check_values(name: object, values: object) -> Sequence[_Value]:
    shown = f"vary={{{show(name)}: {show(values)}}}"
    if not isinstance(name, str) or not name.isidentifier():
        raise UsageError(f"{shown}: {show(name)} is no argument's name; give {KEYWORDS['vary']}")
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise UsageError(f"{shown}: give a list of values, the reference first")
    if len(values) < 2:
        what = "has only the reference" if values else "is empty"
        raise UsageError(
            f"{shown} {what}; give the reference first, and a value to compare it with"
        )
    found: list[_Value] = []
    for number, given in enumerate(values):
        value: object = given
        id: object = None
        marks: tuple[Any, ...] = ()
        if type(given) is type(pytest.param(0)):
            if len(given.values) != 1:
                raise UsageError(f"{shown}: a pytest.param of {name!r} has to hold one value")
            (value,), id, marks = given.values, given.id, tuple(given.marks)
        text = id if isinstance(id, str) else _text(value)
        if text in {other.text for other in found}:
            if type(value) in _PLAIN:
                raise UsageError(f"{shown} has {show(value)} twice; give each value once")
            text = f"{text}-{number}"
        found.append(_Value(value=value, text=text, marks=marks))
    return found


def _text(value: object) -> str:
    """Name a value in an id: without spaces where it can be, for the command line and `-k`."""
    if isinstance(value, tuple | list) and value and all(type(part) is int for part in value):
        return "x".join(map(str, value))
    if isinstance(value, tuple | list):
        text = ",".join(map(_text, value)) or type(value).__name__
    elif type(value) in _PLAIN:
        text = str(value) if not isinstance(value, bytes) else repr(value)
    elif isinstance(name := getattr(value, "__name__", None), str):
        text = name
    else:
        text = type(value).__name__
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def variants_of(vary: Vary, counting: Collection[str]) -> list[Variant]:
    """Return the reference, then each other value with the reference of all other arguments.

    `counting` are further names of arguments that are numbers of workers.
    """
    reference = {name: values[0] for name, values in vary.items()}
    rows = [reference]
    rows += [{**reference, name: v} for name, values in vary.items() for v in values[1:]]
    return [_variant(row, reference, counting) for row in rows]


def _variant(
    row: Mapping[str, _Value], reference: Mapping[str, _Value], counting: Collection[str]
) -> Variant:
    changed = [name for name, value in row.items() if value is not reference[name]]
    counted = [name for name in changed or row if name.lower() in PARALLELISM or name in counting]
    numbers = [workers_in(row[name].value) for name in counted]
    from ...report.variants import Variation  # most sessions vary nothing

    return Variant(
        variation=Variation(
            kind="vary",
            label=_label(row),
            reference=_label(reference),
            values={name: value.text for name, value in row.items()},
            counts_workers=bool(counted),
            workers=numbers[0] if numbers else None,
        ),
        id=_label(row),
        is_reference=row is reference,
        values={name: value.value for name, value in row.items()},
        reference_values={name: value.value for name, value in reference.items()},
        marks=tuple(mark for value in row.values() for mark in value.marks),
    )


#: What makes code follow an ambient configuration.
FOLLOWING = {
    "joblib": "joblib.Parallel follows with n_jobs=None, and does not with n_jobs=1.",
    "dask": "Return the collection, or compute it in the test without scheduler=.",
    "native": "BLAS uses its threads for large arrays only.",
}


def variants_inside(
    inside: Sequence[str], workers: Sequence[WorkersAsked], axes: Collection[str]
) -> list[Variant]:
    """Return each ambient configuration with each number of workers; the reference has no item.

    Their ids have what was given as a list, which `axes` names.
    """
    if not inside:
        return []
    from ...report.variants import Variation

    found = []
    has_more = is_scaled(workers)
    for name, asked in product(inside, workers):
        shown = {"inside": name, "workers": str(asked)}
        number = resolve(asked).workers
        found.append(
            Variant(
                variation=Variation(
                    kind="inside",
                    label=f"{name}-{asked}",
                    reference="serial",
                    values={"inside": name},
                    counts_workers=True,
                    workers=number,
                    is_baseline=has_more and number == 1,
                    hint=FOLLOWING[name.partition(":")[0]],
                ),
                id="-".join(shown[axis] for axis in axes),
                values={},
                inside=name,
                workers=number,
            )
        )
    return found


def is_scaled(workers: Sequence[WorkersAsked]) -> bool:
    """Return whether a list of workers has more than one worker somewhere; `"auto"` always is."""
    return any(asked != 1 for asked in workers)


def _label(row: Mapping[str, _Value]) -> str:
    return "-".join(f"{name}:{value.text}" for name, value in row.items())


def workers_in(value: object) -> int | None:
    """Return the number of workers that an argument asks for, None where it is unknown.

    Negative numbers count from the number of CPUs, as joblib and SciPy have it.
    """
    if isinstance(value, str):
        return 1 if value in SERIAL_SCHEDULERS else None
    if isinstance(value, bool) or not isinstance(value, int) or value == 0:
        return None
    return value if value > 0 else max(1, usable_cpus().number + 1 + value)


def names_of(item: pytest.Item) -> Iterator[str]:
    """Yield the arguments that the marks of a test parametrize."""
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        yield from (n.strip() for n in (names.split(",") if isinstance(names, str) else names))


#: The ways of running a test in parallel.
Choice = Literal["backend", "vary", "inside"]
