"""The verdict on a variant and its reference, and the message where they differ."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...equivalence import exact
from ...equivalence.outcomes import report_uncomparable
from ...machine.native_reach import native_reach
from ...model.comparison import Comparison, Note, OwnComparison, joined
from ...model.dataclass import dataclass
from ...model.listing import shorten
from ...model.observed import Legs, Observed
from ...model.outcome import Outcome, Verdict
from ...report.entries import with_mismatches
from ...report.message import Scene, lost_message, mismatch_message
from ...runner.ambient import NATIVE
from ...verify.computed import Collection, is_shared, shared_part
from ...verify.legs import Judged, Terms, drop, entry_of, judge
from ...verify.reference import Called
from ..config.commands import command
from ..config.marks import marker_keywords
from ..config.options import OF_TESTS, WIDTH
from ..config.registry import own_comparison
from ..running.phases import without_folders
from ..session.other_limits import pausing
from .cases import VariedCase
from .difference import Again, Difference, digest_of, rounding

if TYPE_CHECKING:
    from ...verify.selftest import Controls

#: Most columns for the id of another case.
LONGEST_ID = 60


@dataclass(slots=True, kw_only=True)
class Measured:
    """The call of a body: its outcome, what ran meanwhile, the collection of dask it returned."""

    called: Called
    observed: Observed
    collection: Collection | None = None


class Judging:
    """Judges variants; remembers which differing ones agree, and what was shown in full."""

    def __init__(self, *, is_verbose: bool, controls: Controls | None = None) -> None:
        self._is_verbose = is_verbose
        self._controls = controls
        self._digests: dict[Hashable, dict[str, bytes]] = {}  # of one case at a time
        self._shown: dict[tuple[object, ...], str] = {}
        self._own: dict[int, OwnComparison | None] = {}

    def judge(self, case: VariedCase, made: Measured, repeat: Again) -> None:
        """Compare the outcome of a variant with that of its reference; set entry and message.

        The outcome is taken out of `made`, so that its value can be freed.
        """
        actual, siblings = made.called[0], case.siblings
        made.called = Outcome(kind="value"), None
        terms, reference = case.terms(self._own_of(case)), siblings.called
        legs = Legs(actual=made.observed, reference=siblings.observed)
        if reference is None and actual.lost is None:
            why = siblings.why or "there is no reference"
            case.entry = entry_of(terms, Verdict.NOT_VERIFIED, actual, why=why)
            return
        found = judge(
            terms,
            actual,
            None if reference is None else lambda: reference,
            masked=lambda *outcomes: _masked(case, *outcomes),
        )
        del actual
        if self._controls is not None:
            self._controls.of(case.group.id).try_on(terms, found, partial(_masked, case))
        found.entry = replace(found.entry, legs=legs)
        different: Difference | None = None
        if found.comparison is not None:
            _add_problems(case, found, made.collection)
            if not found.comparison:
                different = self._examine(case, found, found.comparison, terms)
                found.entry = replace(found.entry, legs=replace(legs, agrees=different.agrees))
                _diagnose(case, found, repeat.kwargs)
            elif case.group.kept is not None:
                case.group.kept.append((case, repeat.kwargs))
        if not drop(found, terms):
            different = None
        case.entry = found.entry
        if found.is_absent:
            case.message = self._lost_message(case)
        elif different is not None:
            notes = (
                *rounding(different.comparison),
                *different.repeated(case, made.observed.wall, repeat),
            )
            self._write(case, different, notes)
        if case.variant.inside == NATIVE:
            reach = Note(path="", kind="native", text=native_reach())
            case.entry = replace(case.entry, notes=(*case.entry.notes, reach))

    def _examine(
        self, case: VariedCase, found: Judged, comparison: Comparison, terms: Terms
    ) -> Difference:
        """Take from two outcomes what a message needs, so that they can be freed before it."""
        failures = [outcome.failure for outcome in found.outcomes]
        digests = tuple(digest_of(outcome, terms.timeout) for outcome in found.outcomes)
        return Difference(
            comparison=comparison,
            traceback=failures[0].traceback if failures[0] is not None else "",
            raised=tuple((one.type, one.where) if one is not None else None for one in failures),
            digests=digests,
            agrees=self._agreeing(case, digests[0]),
        )

    def _write(self, case: VariedCase, different: Difference, notes: Sequence[Note]) -> None:
        assert case.entry is not None
        comparison = different.comparison
        comparison = replace(comparison, notes=(*comparison.notes, *notes))
        case.entry = replace(case.entry, notes=(*case.entry.notes, *notes))
        first = comparison.mismatches[0]
        like = self._like(case, id(case.group), first.kind, first.path, *different.raised)
        case.is_like = bool(like) and not self._is_verbose
        scene = self._scene(case, comparison, like)
        case.message = mismatch_message(
            case.entry, comparison, scene, traceback=different.traceback
        )

    def _agreeing(self, case: VariedCase, found: bytes | None) -> tuple[str, ...]:
        """Return the variants of the case so far that differ too, and returned the same.

        By digest, because the values of the others are gone: keeping them would double the memory.
        """
        if case.key not in self._digests:
            self._digests = {case.key: {}}
        known = self._digests[case.key]
        if found is None:
            return ()
        agreeing = tuple(label for label, other in known.items() if other == found)
        known[case.variant.label] = found
        return agreeing

    def _scene(self, case: VariedCase, comparison: Comparison, like: str) -> Scene:
        assert case.entry is not None
        cases = [c for c in case.group.cases if c.entry is not None]
        return Scene(
            actual=case.side.name,
            reference=case.siblings.side.name,
            commands=_commands(case),
            policy=comparison.policy,
            judged=[c.entry for c in cases if c.entry is not None],
            expected=case.group.expected,
            has_own_workers=False,
            where=f"with {case.side.name}",
            ran=_ran(case),
            like=like,
            causes=case.group.causes or (),
            is_verbose=self._is_verbose,
            width=case.item.config.stash[WIDTH],
        )

    def _like(self, case: VariedCase, *shown: object) -> str:
        if case.item.get_closest_marker("xfail") is not None:  # it may not be shown
            return ""
        first = self._shown.setdefault(shown, case.id)
        prefix = case.group.id.removesuffix(case.item.originalname)
        return "" if first == case.id else shorten(first.removeprefix(prefix), LONGEST_ID)

    def _lost_message(self, case: VariedCase) -> str:
        assert case.entry is not None
        return lost_message(case.entry, "", reference=case.siblings.side.name)

    def _own_of(self, case: VariedCase) -> OwnComparison | None:
        plan = id(case.plan)
        if plan not in self._own:
            self._own[plan] = own_comparison(case.item, case.plan.policy)
        return self._own[plan]


def _diagnose(case: VariedCase, found: Judged, kwargs: Mapping[str, object]) -> None:
    """Find the causes of the first difference of a variant of a test, while its outcomes exist."""
    comparison, group = found.comparison, case.group
    if group.causes is not None or not case.plan.diagnose or comparison is None:
        return
    is_unclear = all(mismatch.kind == "uncomparable" for mismatch in comparison.mismatches)
    if is_unclear or case.item.get_closest_marker("xfail") is not None:
        return
    from .causes import causes_of_variant  # most sessions have no difference

    entry = found.entry
    seconds = (entry.serial or 0.0) + (entry.parallel or 0.0)
    actual, expected = found.outcomes
    with pausing(case.item.config):
        group.causes = causes_of_variant(case, kwargs, actual, expected, seconds)


def _add_problems(case: VariedCase, found: Judged, collection: Collection | None) -> None:
    """Add what the values do not show: another collection of dask, or one object in both calls."""
    assert found.comparison is not None
    problems = []
    sides = (found.outcomes[0], found.outcomes[1])
    if is_shared(sides[0].value, sides[1].value):
        text = (
            f"{case.side.run} returned the very object, or memory, of the reference: what it "
            f"changed there would not show; return a copy"
        )
        problems.append(report_uncomparable(*sides, case.plan.policy, text))
    elif path := shared_part(sides[0].value, sides[1].value):
        text = (
            f"both calls returned one object or memory here, such as an argument: what "
            f"{case.side.name} changed in it would not show"
        )
        note = Note(path=path, kind="identity", text=text)
        found.entry = replace(found.entry, notes=(*found.entry.notes, note))
    reference = case.siblings.collection
    if collection is not None and reference is not None:
        if not case.variant.inside:
            collection, reference = collection.without_layout(), reference.without_layout()
        problems.append(exact()(collection, reference))
    for problem in problems:
        if not problem:
            found.entry = with_mismatches(found.entry, problem)
            found.comparison = joined(found.comparison, problem)


def _masked(case: VariedCase, actual: Outcome, reference: Outcome) -> tuple[Outcome, Outcome]:
    """Return both outcomes without folders and remote tracebacks, which differ in any two runs."""
    actual, reference = without_remote_tracebacks(actual), without_remote_tracebacks(reference)
    here, there = str(case.item.funcargs.get("tmp_path", "")), case.siblings.folder
    if here:
        actual = without_folders(actual, re.escape(here))
    if there:
        reference = without_folders(reference, re.escape(there))
    return actual, reference


def without_remote_tracebacks(outcome: Outcome) -> Outcome:
    """Return the outcome without the traceback that a pool of processes chains to an exception."""
    if outcome.failure is None:
        return outcome
    chain = outcome.failure.chain
    kept = tuple(link for link in chain if not link.failure.type.endswith("RemoteTraceback"))
    if len(kept) == len(chain):
        return outcome
    return replace(outcome, failure=replace(outcome.failure, chain=kept))


def _commands(case: VariedCase) -> tuple[tuple[str, str], ...]:
    """Return the commands that compare the case again, and that run it for a debugger."""
    named = marker_keywords(case.item)
    keywords = [keyword for keyword in OF_TESTS if keyword not in named]
    return (
        ("again", command(case.item, case.id, keywords=keywords)),
        ("debug", command(case.item, case.id, "--parwork-serial", "--pdb")),
    )


def _ran(case: VariedCase) -> str:
    """Say what ran in parallel in both calls, and which other variants returned the same."""
    assert case.entry is not None
    legs = case.entry.legs
    if legs is None:
        return ""
    parts = []
    for name, observed in (
        (case.siblings.side.name, legs.reference),
        (case.side.name, legs.actual),
    ):
        if text := observed.describe():
            parts.append(f"{name} used {text}")
    if legs.agrees:
        parts.append(f"{', '.join(legs.agrees)} returned exactly the same as {case.side.name}")
    return "; ".join(parts)
