"""What is said of a difference beyond its values: rounding, and calls that are repeated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Protocol

from ...equivalence.digest import digest
from ...machine.deadline import deadline
from ...model.comparison import Comparison, Note
from ...model.dataclass import dataclass
from ...model.outcome import Outcome
from .cases import VariedCase

#: Seconds of a call that is not repeated to see whether it agrees with itself.
LONGEST_REPEATED = 10.0

#: Unit roundoffs by the names of types.
ROUNDOFF = {"float32": 2.0**-24, "complex64": 2.0**-24, "float16": 2.0**-11}

#: Relative differences that are larger are not rounding.
LARGEST = 1e-3

#: More terms than this are no explanation.
MOST_TERMS = 10_000_000


class Again(Protocol):
    """Calls the body of a case once more; None where that is not possible.

    `kwargs` are the arguments of the body.
    """

    kwargs: Mapping[str, object]

    def __call__(self, *, as_reference: bool) -> Outcome | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is kept of two outcomes that differ: texts and digests, the actual one first."""

    comparison: Comparison
    traceback: str
    raised: tuple[object, ...]
    digests: tuple[bytes | None, ...]
    agrees: tuple[str, ...]

    def repeated(self, case: VariedCase, seconds: float, repeat: Again) -> Iterator[Note]:
        """Call the body again, and say whether it agrees with itself, as far as digests tell.

        `seconds` is how long the call has taken: long ones are not repeated.
        """
        is_unclear = "uncomparable" in self.comparison.classes or self.digests[0] is None
        if is_unclear or not case.plan.diagnose or seconds > LONGEST_REPEATED:
            return
        label, reference = case.side.name, case.siblings.side.name
        if (same := _is_same(repeat(as_reference=False), self.digests[0], case)) is None:
            return
        if same:
            text = (
                f"{label} returned exactly the same when it was called again: rather another "
                f"order, random stream or branch than a race"
            )
        else:
            also = _is_same(repeat(as_reference=True), self.digests[1], case)
            text = f"{label} differs from itself when it is called again"
            if also:
                text += f", and {reference} does not: what runs in parallel is not deterministic"
            elif also is False:
                text = (
                    f"even {reference} differs from itself when it is called again with the same "
                    f"arguments: an unseeded generator, or arguments that the test changes"
                )
        yield Note(path="", kind="again", text=text)


def _is_same(again: Outcome | None, known: bytes | None, case: VariedCase) -> bool | None:
    """Return whether a repeated call returned what has this digest, None where it is unknown."""
    found = digest_of(again, case.plan.timeout) if again is not None else None
    return None if found is None or known is None else found == known


def digest_of(outcome: Outcome, seconds: float | None) -> bytes | None:
    """Return the digest of a value, None for other outcomes and for values that have none."""
    if outcome.kind != "value":
        return None
    try:
        with deadline(seconds):
            return digest(outcome.value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # TimedOut, or from code of the value
        return None


def rounding(comparison: Comparison) -> Iterator[Note]:
    """Say how many terms a sum needs for another order of them to differ by so much.

    Two orders of n terms of one sign differ relatively by 2 (n - 1) u at most, with the unit
    roundoff u (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2).
    """
    if comparison.passes_at is None:
        return
    worst, terms = 0.0, 0
    for mismatch in comparison.mismatches:
        if mismatch.relative is None or not math.isfinite(mismatch.relative):
            return
        roundoff = next((u for name, u in ROUNDOFF.items() if name in mismatch.array), 2.0**-53)
        worst = max(worst, mismatch.relative)
        terms = max(terms, math.ceil(mismatch.relative / (2 * roundoff)) + 1)
    if worst > LARGEST:
        return  # nobody takes that for rounding
    if terms <= MOST_TERMS:
        text = (
            f"another order of summation can do that with {terms} terms of one sign or more "
            f"(relative difference {worst:.1e})"
        )
    else:
        text = (
            f"a relative difference of {worst:.1e} is more than another order of summation can "
            f"do, unless terms cancel"
        )
    yield Note(path="", kind="rounding", text=text)
