"""The messages of failed cases: mismatches, with commands and the other cases as context."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from ...backends.protocol import is_threaded
from ...equivalence import show
from ...machine.deadline import TimedOut, deadline
from ...model.comparison import FRESH_PROCESS, Comparison
from ...model.dataclass import dataclass
from ...model.listing import shorten
from ...model.outcome import Outcome
from ...verify.legs import SERIAL
from ..cases.groups import Case
from ..cases.matrix import label_of
from ..compat import fixture_defs
from ..config.commands import command
from ..config.marks import marker_keywords
from ..config.options import OF_TESTS, WIDTH
from ..config.registry import backend_named
from ..config.settings import AXES
from ..sending.wide import wide_names

if TYPE_CHECKING:
    from ...model.causes import Cause
    from ...report.message import Scene
    from ...verify.legs import Judged
    from .hints import Hints

#: Most columns for the id of another case; a parameter may be a text of any length.
LONGEST_ID = 60

#: Further names of cases that ran at the same time would add no information.
MOST_NAMES = 6


class Scenes:
    """Writes the messages of cases that are DIFFERENT; a repeated mismatch gets a short one."""

    def __init__(self, *, is_verbose: bool) -> None:
        self._is_verbose = is_verbose
        self._values = _Values()
        self._hints: Hints | None = None
        self._shown: dict[tuple[object, ...], str] = {}

    def note(self, case: Case, found: Judged) -> None:
        """Record the values of a case; write its message if its outcomes differ."""
        assert found.comparison is not None
        values = self._values_of(case, found) if label_of(case.item) else ()
        if found.comparison.count:
            from .causes import diagnosed  # most sessions have no difference
            from .copied import hint_at_copies
            from .hints import Hints

            self._hints = self._hints or Hints()
            actual, reference = found.outcomes
            failure, expected = actual.failure, reference.failure
            late = "\n".join(one.traceback for one in found.outcomes[0].late)
            traceback = failure.traceback if failure is not None else late
            raised = (expected.type, expected.where) if expected is not None else None
            hint = hint_at_copies(case, actual, reference)
            hint = hint or self._hints.of(case, actual, reference)
            causes = diagnosed(case, found)
            self.write(
                case,
                found.comparison,
                values,
                traceback=traceback,
                raised=raised,
                hint=hint,
                causes=causes,
            )

    def write(
        self,
        case: Case,
        comparison: Comparison,
        values: Sequence[tuple[str, Sequence[str]]] = (),
        *,
        traceback: str,
        raised: object = None,
        hint: str = "",
        causes: Sequence[Cause] = (),
    ) -> None:
        """Write the message of a case that is DIFFERENT; `raised` is what the serial run raised."""
        from ...report.message import mismatch_message

        assert case.judged.entry is not None
        first = comparison.mismatches[0]
        like = self._like(case, id(case.group), case.test_id, first.kind, first.path, raised)
        scene = replace(self._scene(case, comparison, values, like), hint=hint, causes=causes)
        case.judged.is_like = bool(like) and not self._is_verbose
        case.judged.message = mismatch_message(
            case.judged.entry, comparison, scene, traceback=traceback
        )

    def like(self, case: Case, text: str) -> str:
        """Return the id of another case that has shown this text in full, empty if none has."""
        return "" if self._is_verbose or not text else self._like(case, text)

    def _like(self, case: Case, *shown: object) -> str:
        if case.item.get_closest_marker("xfail") is not None:  # it may not be shown
            return ""
        first = self._shown.setdefault(shown, case.id)
        if first == case.id:
            return ""
        # The name says enough within a test.
        prefix = case.test_id.removesuffix(case.item.originalname)
        return shorten(first.removeprefix(prefix), LONGEST_ID)

    def _values_of(self, case: Case, found: Judged) -> Sequence[tuple[str, Sequence[str]]]:
        """Return the values of a case in its configurations so far, if it is DIFFERENT."""
        assert found.comparison is not None
        actual, expected = found.outcomes
        try:
            with deadline(case.limit):
                return self._values.add(case, actual, expected, found.comparison)
        except TimedOut:
            return ()

    def _scene(
        self,
        case: Case,
        comparison: Comparison,
        values: Sequence[tuple[str, Sequence[str]]],
        like: str,
    ) -> Scene:
        """Return the context for the message of a case that is DIFFERENT."""
        from ...report.message import Scene

        run = case.sent.run
        assert run is not None
        backend = backend_named(case.item.config, case.plan.configuration.backend)
        used, peak = run.outcomes.overlap()
        entries = [other.judged.entry for other in case.group.cases]
        return Scene(
            actual=case.side.name,
            reference=SERIAL.name,
            commands=(("again", again(case)), ("serially", serially(case))),
            policy=comparison.policy,
            judged=[entry for entry in entries if entry is not None],
            expected=case.group.expected,
            has_own_workers=not is_threaded(backend),
            used=used,
            granted=run.facts.granted,
            peak=peak,
            values=values,
            like=like,
            fixtures=_acting_fixtures(case, comparison),
            alongside=alongside(case),
            is_verbose=self._is_verbose,
            width=case.item.config.stash[WIDTH],
        )


def _acting_fixtures(case: Case, comparison: Comparison) -> tuple[str, ...]:
    """Return the wide fixtures of which workers, or a fresh process, have nothing but the value.

    A worker that is a fork of this process, or a thread in it, has what they did as well.
    """
    run = case.sent.run
    is_fresh = any(note.kind == FRESH_PROCESS for note in comparison.notes)
    if run is None or (run.facts.start_method in ("fork", "thread") and not is_fresh):
        return ()
    defs = fixture_defs(case.item)
    names = [name for name in wide_names(case.item) if name in defs]
    return tuple(n for n in names if not str(defs[n].func.__module__).startswith("_pytest"))


def alongside(case: Case) -> str:
    """Name the cases of other tests that ran at the same time: one of them may be the cause."""
    run = case.sent.run
    if run is None or case.group.scope == "function":
        return ""
    found = (run.senders[number] for number in run.outcomes.alongside(case.sent.shown))
    cases = dict.fromkeys(other for other in found if other is not case)
    prefix = case.test_id.removesuffix(case.item.originalname)
    names = [shorten(c.id.removeprefix(prefix), LONGEST_ID) for c in cases]
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def again(case: Case) -> str:
    """Return the command that runs the workload of a case in the same configuration."""
    item, group, label = case.item, case.group, label_of(case.item)
    if group.scope != "function":  # the whole workload: what differs may need its neighbours
        options = ("-k", f"[{label}") if label else ()
        return command(item, group.id, *options, keywords=_open(case, OF_TESTS))
    own = f"{item.originalname}[{label}"
    if label and item.name == f"{own}]":
        return command(item, case.id, keywords=_open(case, OF_TESTS))
    options = ("-k", f"{own}-") if label else ()
    return command(item, group.id, *options, keywords=_open(case, OF_TESTS))


def serially(case: Case) -> str:
    """Return the command that runs only this case, in pytest's own process."""
    # A matrix from the options is in the ids.
    names = AXES if label_of(case.item) else ()
    keywords = _open(case, names)
    return command(case.item, case.id, "--parwork-serial", keywords=keywords)


def _open(case: Case, keywords: tuple[str, ...]) -> Iterator[str]:
    """Yield the keywords that the marker does not name, so that options apply."""
    named = marker_keywords(case.item)
    return (keyword for keyword in keywords if keyword not in named)


#: Most columns for a value.
_LIMIT = 40


@dataclass(slots=True)
class _Row:
    """One value: its text, and the configurations that returned it."""

    text: str
    digest: bytes | None
    configurations: list[str] = field(default_factory=list)


class _Values:
    """The values of each case that is run in several configurations.

    Configurations that are equal by the policy are listed with the value of the reference. Of the
    others, those with the same digest share one row, because their values are bitwise equal; a
    value without a digest has a row of its own.
    """

    def __init__(self) -> None:
        self._equal: dict[Hashable, list[str]] = {}
        self._others: dict[Hashable, list[_Row]] = {}

    def add(
        self, case: Case, actual: Outcome, expected: Outcome, comparison: Comparison
    ) -> Sequence[tuple[str, Sequence[str]]]:
        """Record an outcome; return all rows if it differs, that of the reference first.

        For a long value, the rows show the first part that differs.
        """
        equal = self._equal.setdefault(case.key, [SERIAL.name])
        name = case.side.name
        if comparison:
            equal.append(name)
            return ()
        from ...equivalence.digest import digest

        rows = self._others.setdefault(case.key, [])
        found = digest(actual.value) if actual.kind == "value" else None
        row = next((row for row in rows if found is not None and row.digest == found), None)
        first = comparison.mismatches[0]
        if row is None:
            row = _Row(_write(actual, first.path, first.actual), found)
            rows.append(row)
        row.configurations.append(name)
        reference = _write(expected, first.path, first.expected)
        return [(reference, equal), *((row.text, row.configurations) for row in rows)]


def _write(outcome: Outcome, path: str, part: str) -> str:
    """Return the text of an outcome, or of its part at a path if the whole is too long."""
    if outcome.kind != "value":
        return outcome.failure.type if outcome.failure is not None else outcome.kind
    whole = show(outcome.value, limit=_LIMIT + 1)
    if len(whole) <= _LIMIT:
        return whole
    place = f"{shorten(path, _LIMIT // 2)}: " if path else ""
    return f"{place}{shorten(part, _LIMIT - len(place))}"
