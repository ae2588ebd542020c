"""Probe for what a result loses when it is pickled."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

from ...equivalence import compare_outcomes
from ...model.causes import Cause
from ...model.comparison import Mismatch, OwnComparison, Policy
from ...model.outcome import Outcome
from .bench import Experiment
from .laboratory import Laboratory
from .treatments import Function


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
