"""Probes for what results and arguments lose when they are pickled."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from ...equivalence import compare_outcomes
from ...model.causes import Cause
from ...model.comparison import Mismatch, OwnComparison, Policy
from ...model.dataclass import dataclass
from ...model.outcome import Outcome
from .bench import Experiment, Side
from .copies import Copied, Described, Parts, Path, described
from .laboratory import FORK, Laboratory
from .treatments import Function

#: How often each is tried.
TWICE = 2

#: Most steps to the part of an argument that a pickle does not keep.
DEEPEST = 5

#: Most parts of a value that are tried.
MOST_PARTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """Compare a result with its copy from a pickle, in the process that has computed it."""

    policy: Policy
    own: OwnComparison | None

    def __call__(self, function: Function) -> Function:
        """Return a function that returns path, both texts of each difference from the copy."""

        def call(*args: object, **kwargs: object) -> object:
            value = function(*args, **kwargs)
            copy = pickle.loads(pickle.dumps(value, protocol=5))
            sent, direct = (Outcome(kind="value", value=one) for one in (copy, value))
            return _texts(compare_outcomes(sent, direct, self.policy, own=self.own).mismatches)

        return call


def _texts(mismatches: tuple[Mismatch, ...]) -> list[tuple[str, str, str]]:
    return [(one.path, one.actual, one.expected) for one in mismatches]


def round_trip(lab: Laboratory) -> Experiment:
    """Return the experiment that pickles the result."""
    how = RoundTrip(policy=lab.difference.policy, own=lab.difference.own)
    return lab.experiment("compare the result with its copy from a pickle", treatment=how)


def lost_output(lab: Laboratory) -> Cause | None:
    """Find out whether pickling the result alone makes the difference, at the same places."""
    difference, alone = lab.difference, lab.alone()
    if not lab.is_stable() or not lab.are_parallel(alone) or lab.are_serial(alone):
        return None
    seen = compare_outcomes(
        difference.actual, difference.expected, difference.policy, own=difference.own
    )
    lost = [one.value for one in lab.outcomes(round_trip(lab))]
    if not seen.mismatches or any(one != _texts(seen.mismatches) for one in lost):
        return None
    path = seen.mismatches[0].path
    return lab.cause(
        "SERIALIZATION",
        "output",
        f"the result loses {path or 'a part'} when it is pickled: in one process, it is the serial "
        f"one, and its copy from a pickle is the parallel one",
        "keep it in the pickle (__getstate__, __reduce__), or return what a pickle keeps",
        confirmed=True,
    )


def lost_input(lab: Laboratory) -> Cause | None:
    """Find out whether copies of the arguments from a pickle make the difference.

    Only pytest's process has the originals, so that a fork of it tries both. The part that matters
    is found from the outside in: the innermost one with which the copies give the serial result.
    """
    if lab.difference.is_threaded or not lab.is_in_question():
        return None
    originals = lab.series("in a fork of pytest's process", count=TWICE)
    copies = _with_copies(lab, ())
    found = lab.in_fork([*originals, *copies])
    if not (lab.are_serial(found[:TWICE]) and lab.are_parallel(found[TWICE:])):
        return None
    if not lab.differ(found[:TWICE], found[TWICE:]):
        return None
    lab.sides = Side("with the originals", originals[0], FORK), Side("with copies", copies[0], FORK)
    path = _culprit(lab)
    return lab.cause(
        "SERIALIZATION",
        "input",
        f"{_told(lab, path)}: in a fork of pytest's process, the case gives the serial result with "
        f"its arguments as they are, and the parallel one with copies of them from a pickle",
        "keep it in the pickle (__getstate__, __reduce__), compare by == in place of `is`, or make "
        "the value in the case",
        confirmed=True,
    )


def _with_copies(lab: Laboratory, kept: Path) -> list[Experiment]:
    """Return the case with copies of its arguments, in which a part of the originals is kept."""
    what = f"the original {described(kept)} in " if kept else ""
    return lab.series(
        f"with {what}copies of its arguments from a pickle", count=TWICE, treatment=Copied(kept)
    )


def _culprit(lab: Laboratory) -> Path:
    """Return the innermost part that has to be the original one, empty if no single one does."""
    path: Path = ()
    for _ in range(DEEPEST):
        listing = lab.experiment(f"list the parts of {described(path)}", treatment=Parts(path))
        steps = lab.in_fork([listing])[0].value
        tried = {
            (*path, step): _with_copies(lab, (*path, step))
            for step in (steps if isinstance(steps, list) else [])[:MOST_PARTS]
        }
        found = lab.in_fork([one for pair in tried.values() for one in pair])
        pairs: list[Sequence[Outcome]] = [
            found[at : at + TWICE] for at in range(0, len(found), TWICE)
        ]
        inner = next(
            (one for one, pair in zip(tried, pairs, strict=True) if lab.are_serial(pair)), None
        )
        if inner is None:
            break
        path = inner
    return path


def _told(lab: Laboratory, path: Path) -> str:
    """Say what has become of a part of an argument in the copy."""
    if not path:
        return "the arguments are other ones after pickling"
    label = f"describe {described(path)}"
    (both,) = lab.in_fork([lab.experiment(label, treatment=Described(path))])
    if not isinstance(both.value, list):
        return f"{described(path)} is another one after pickling"
    original, copy = both.value
    return f"{described(path)} is {original}, and its copy from a pickle is {copy}"
