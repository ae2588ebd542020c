"""Probe for random numbers that follow what is varied: which are drawn, and in which order."""

from __future__ import annotations

from ...model.causes import Cause
from ...model.outcome import Outcome
from .bench import Experiment
from .held_streams import Hold, Streams
from .laboratory import Laboratory
from .reseeding import Seed, all_seeds_of
from .varied import FIRST, Reseeded, Setting, reference, result

#: The numbers that held generators repeat: two, so that it is seen that they matter.
STATES = (11, 12)

#: How they are held: calls that draw as much each time, or parts that share one draw.
HOLDS: tuple[Hold, ...] = ("calls", "numbers")


def random_stream(
    lab: Laboratory, setting: Setting, actual: Outcome, expected: Outcome
) -> Cause | None:
    """Find out whether both results follow a seed, and differ by the numbers that are drawn.

    It is sure if both are the same as soon as all generators of that seed repeat themselves: then
    nothing depends on how many numbers were drawn before, or by which of them.
    """
    name = setting.argument or setting.inside
    for number, seed in enumerate(all_seeds_of(setting.body)):
        if not _moves(lab, number, seed, actual, expected):
            continue
        are_other = _are_other_numbers(lab, number, seed)
        if are_other is False or (seed.is_maybe_data and not are_other):
            continue  # it draws the data
        held = _held(lab, number, seed) if are_other else ""
        return lab.cause(
            "RANDOM_STREAM",
            name,
            f"{setting.label} and {setting.reference} each give the same result each time, not by "
            f"rounding; another seed ({seed.text}) changes both, and they differ again: which "
            f"random numbers are drawn, or in which order, depends on {name}{held}",
            "draw a seed for each part in one place, as by numpy.random.SeedSequence.spawn",
            confirmed=bool(held),
        )
    return None


def _both(
    lab: Laboratory, what: str, treatment: Reseeded | Streams
) -> tuple[Experiment, Experiment]:
    """Return the experiments on the variant and on its reference."""
    return (
        lab.experiment(what, treatment=treatment),
        reference(lab, f"the reference {what}", treatment=treatment),
    )


def _moves(lab: Laboratory, number: int, seed: Seed, actual: Outcome, expected: Outcome) -> bool:
    """Return whether another seed changes both results, which then differ again."""
    pair = _both(lab, f"with another seed in {seed.text}", Reseeded(number))
    lab.measure(pair, FIRST)
    other, standard = (result(lab, one) for one in pair)
    if not lab.is_comparable(other, standard) or lab.same(other, standard):
        return False
    return not (lab.same(other, actual) or lab.same(standard, expected))


def _are_other_numbers(lab: Laboratory, number: int, seed: Seed) -> bool | None:
    """Return whether generators of the seed give other numbers; None if none was seen on a side."""
    pair = _both(lab, f"with what {seed.text} draws", Streams(number=number))
    lab.measure(pair, FIRST)
    found = [result(lab, one).value for one in pair]
    if not all(isinstance(one, list) and one[0] for one in found):
        return None
    return bool(found[0] != found[1])


def _held(lab: Laboratory, number: int, seed: Seed) -> str:
    """Say how generators of the seed are held where both results are the same, or nothing."""
    for hold in HOLDS:
        what = f"with {seed.text} giving the same numbers in all {hold}"
        pairs = [
            _both(lab, f"{what}, {state}", Streams(number=number, hold=hold, state=state))
            for state in STATES
        ]
        lab.measure([one for pair in pairs for one in pair], FIRST)
        found = [[result(lab, one) for one in pair] for pair in pairs]
        if all(lab.same(*pair) for pair in found) and lab.differ(*found):
            text = "each call draws the same" if hold == "calls" else "all they draw is one number"
            return f"; where {text}, whatever was drawn before, both results are the same"
    return ""
