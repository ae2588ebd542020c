"""The message of a failing case: where its outcomes differ, or why it has none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import indent, wrap
from typing import Any

from ..model.causes import Cause
from ..model.comparison import LINES, Comparison, Mismatch
from ..model.dataclass import dataclass
from ..model.listing import WIDTH, columns, pad, shorten
from ..model.outcome import Verdict
from ..model.printable import printable
from .entries import CaseEntry
from .figures import counted, duration
from .power import repeats_row

#: Columns before the text of a row.
INDENT = 11
#: Narrower tables show too little, and wider lines are harder to read, even in a wide terminal.
NARROWEST, WIDEST = 60, 120
#: A larger distance in ulp is a different result, not a different rounding: nobody would accept it.
MOST_ULP = 10_000
#: Further distinct values would add no information.
MOST_VALUES = 4

#: Why a lost case is not run serially in this process.
NOT_RUN = {
    "crash": "it could crash pytest",
    "timeout": "it could block all further tests",
    "interrupted": "the session was interrupted",
    "backend": "its backend has no workers",
}


#: What to do about a case that was not sent; a backend that cannot start says so itself.
REMEDIES = {
    "argument": "make it where the case runs, in the test or in a fixture of function scope; or "
    "use a backend that sends no arguments: threads, isolated:fork",
    "result": "return what can be pickled; or use threads, which send nothing back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The context of a DIFFERENT case.

    `actual` and `reference` name the two runs in few characters (`joblib-2`, `serial`). `commands`
    run the case again, each with a word for how; the last one runs as little as there is. `judged`
    are the cases of the run so far, or all calls, as `noun` says, of `expected` ones. With
    `has_own_workers` it may matter which worker ran them; threads share all that they have. `used`,
    `granted` and `peak` say how its workers overlapped. `where` says where a failure with a
    traceback was raised, `ran` what ran in parallel. `values` are the distinct values of the case
    with the configurations that gave each, where there are several; `like` is the case that has
    told the same in full. `alongside` names the cases of other tests that ran at the same time.
    `hint` is a possible explanation. `is_verbose` asks for all, `width` is that of the terminal.
    """

    actual: str = ""
    reference: str
    commands: Sequence[tuple[str, str]] = ()
    policy: str = ""
    judged: Sequence[CaseEntry] = ()
    noun: str = "cases"
    expected: int | None = None
    has_own_workers: bool = True
    used: int = 0
    granted: int = 0
    peak: int = 0
    where: str = "in its worker"
    ran: str = ""
    values: Sequence[tuple[str, Sequence[str]]] = ()
    like: str = ""
    fixtures: Sequence[str] = ()
    alongside: str = ""
    hint: str = ""
    causes: Sequence[Cause] = ()
    is_verbose: bool = False
    width: int = WIDTH

    @property
    def room(self) -> int:
        """Columns of a line."""
        return max(NARROWEST, min(self.width, WIDEST))


def mismatch_message(
    case: CaseEntry, comparison: Comparison, scene: Scene, *, traceback: str = ""
) -> str:
    """Return the failure text of a DIFFERENT case.

    `traceback` is the text from the worker where the function raised there only.
    """
    first = _first_line(comparison.mismatches, scene)
    if scene.like and not scene.is_verbose:
        here = _difference(comparison)
        rows = [("as in", f"{scene.like}, here {here}" if here else scene.like)]
        rows += [("cause", str(cause)) for cause in scene.causes[:1]]
        commands = [_row(*command) for command in scene.commands[-1:]]
        return printable("\n".join([first, *_rows(rows, scene.room), *commands]))
    parts = [first]
    if not _says_all(first, comparison):
        parts.append(
            comparison.list_mismatches(
                names=(scene.reference, scene.actual),
                width=scene.room,
                lines=None if scene.is_verbose else LINES,
                advice="more with -v",
            )
        )
    if traceback:
        parts.append(f"  {scene.where}:\n{indent(printable(traceback).rstrip(), '    ')}")
    rows = [
        *(row for cause in scene.causes for row in cause.rows()),
        *_policy(comparison, scene),
        *_notes(comparison, scene),
        *_fixtures(scene),
        *([("hint", scene.hint)] if scene.hint else []),
        *_values(scene),
        *repeats_row(case),
        *_others(case, scene),
        *_overlap(scene),
        *([("together", scene.alongside)] if scene.alongside else []),
        *([("ran", scene.ran)] if scene.ran else []),
    ]
    commands = [_row(*command) for command in scene.commands]
    parts.append("\n".join([*_rows(rows, scene.room), *commands]))
    return printable("\n\n".join(parts))


def lost_message(
    case: CaseEntry,
    command: str,
    *,
    reference: str,
    others: tuple[int, int] | None = None,
    alongside: str = "",
) -> str:
    """Return the failure text of a LOST case.

    `command` runs the case as the run named `reference` would, empty if that was run. `others` are
    the number of other cases of the run that have an outcome, and the number of all others.
    """
    lost = case.lost or {}
    reason = lost.get("reason", "")
    rows = [(f"try {n}", _try(one)) for n, one in enumerate(lost.get("tries", ()), start=1)]
    rows += [
        ("stack" if n == 0 else "", shorten(frame, WIDTH - INDENT, keep_end=True))
        for n, frame in enumerate(lost.get("stack", ()))
    ]
    if lost.get("leg") != "serial" and command:
        why = NOT_RUN.get(reason, "it has no outcome to compare with")
        rows.append((reference, f"not run: {why}. To run it anyway:"))
        rows.append(("", command))
    if others is not None:
        kept, count = others
        how_many = "all" if kept == count else f"{kept} of"
        rows.append(("others", f"{how_many} {counted(count, 'other case')} kept their outcomes"))
    last = _rows([("together", alongside)] if alongside else [], WIDTH)
    first = f"LOST: {lost.get('detail', 'its outcome never arrived')}"
    return printable("\n".join([first, "", *(_row(*row) for row in rows), *last]))


def not_sent_message(case: CaseEntry, command: str, *, reference: str) -> str:
    """Return the failure text of a NOT_SENT case; `command` runs it as that run would."""
    not_sent = case.not_sent or {}
    rows = []
    if remedy := not_sent.get("remedy") or REMEDIES.get(not_sent.get("reason", ""), ""):
        rows.append(("remedy", remedy))
    rows += [("note", note.text) for note in case.notes]
    rows.append((reference, "not run: there is nothing to compare it with. To run it anyway:"))
    first = f"{case.verdict}: {not_sent.get('detail', 'it was not run in parallel')}"
    return printable("\n".join([first, "", *_rows(rows, WIDTH), _row("", command)]))


def _try(one: Mapping[str, Any]) -> str:
    """Describe one attempt to run a case, which was lost."""
    process = f"pid {one['pid']}, " if one["pid"] is not None else ""
    isolated = "on its own, " if one["is_alone"] else ""
    return f"{process}{isolated}after {duration(one['seconds'])}"


def _row(name: str, text: str) -> str:
    """Return a line of a name and its text."""
    return f"  {name:<{INDENT - 2}}{text}".rstrip()


def _rows(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield rows, long ones on several lines."""
    for name, text in rows:
        lines = wrap(text, width - INDENT, break_on_hyphens=False) or [""]
        yield from (_row("" if number else name, line) for number, line in enumerate(lines))


def _first_line(mismatches: Sequence[Mismatch], scene: Scene) -> str:
    """Name the first mismatch; pytest's short summary shows the start of this line."""
    if not mismatches:
        return "DIFFERENT"
    first = mismatches[0]
    place = f" at {shorten(first.path, scene.room // 4)}" if first.path else ""
    lead = f"DIFFERENT{place}: "
    room = (scene.room - columns(f"{lead}{scene.reference} , {scene.actual} ")) // 2
    # One value may use the columns that the other leaves free.
    spare = [max(room - columns(text), 0) for text in (first.actual, first.expected)]
    expected = shorten(first.expected, max(room, 8) + spare[0])
    actual = shorten(first.actual, max(room, 8) + spare[1])
    if expected == actual and first.description:
        return f"{lead}{shorten(first.description, scene.room - columns(lead))}"
    return f"{lead}{scene.reference} {expected}, {scene.actual} {actual}"


def _says_all(first_line: str, comparison: Comparison) -> bool:
    """True if a table would only repeat the first line."""
    if comparison.count > 1 or not comparison.mismatches:
        return not comparison.mismatches
    only = comparison.mismatches[0]
    texts = (only.path, only.actual, only.expected)
    return not only.description and all(text in first_line for text in texts)


def _difference(comparison: Comparison) -> str:
    """Describe in few words how far apart the two outcomes are."""
    if not comparison.mismatches:
        return ""
    more = f", and {comparison.count - 1} more" if comparison.count > 1 else ""
    return f"{comparison.mismatches[0].description}{more}".removeprefix(", ")


def _policy(comparison: Comparison, scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield how it was compared, and the number of ulp at which it would pass, as information."""
    steps = comparison.passes_at
    near = f"; would pass at ulp({steps})" if steps is not None and steps <= MOST_ULP else ""
    if scene.policy:
        yield "policy", f"{scene.policy}{near}"


def _notes(comparison: Comparison, scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield the notes on the comparison, the first of each kind."""
    kinds = set()
    for note in comparison.notes:
        if scene.is_verbose or note.kind not in kinds:
            kinds.add(note.kind)
            yield "note", f"{note.path}: {note.text}" if note.path else note.text


def _fixtures(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield what wide fixtures do not do in workers."""
    if scene.fixtures:
        names = ", ".join(map(repr, scene.fixtures))
        who = "workers have" if scene.has_own_workers else "a fresh process has"
        yield (
            "fixtures",
            f"{who} the value of {names}; what it does in pytest's process (np.seterr, the context "
            f"of decimal) does not happen there",
        )


def _values(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield the distinct values of the case, with the configurations that gave each."""
    shown = scene.values[: None if scene.is_verbose else MOST_VALUES]
    width = max((columns(value) for value, _ in shown), default=0)
    for number, (value, names) in enumerate(shown):
        yield "" if number else "values", f"{pad(value, width)}    {', '.join(names)}"
    if len(shown) < len(scene.values):
        yield "", f"{len(scene.values) - len(shown)} more with -v"


def _others(case: CaseEntry, scene: Scene) -> Iterator[tuple[str, str]]:
    """Say how many cases of the run differ, and whether in one place, on one worker.

    The first one that differs says nothing about the others as long as these are not compared.
    """
    different = [c for c in scene.judged if c.verdict is Verdict.DIFFERENT]
    is_complete = scene.noun != "cases"
    if scene.expected is not None:
        is_complete = len(scene.judged) >= scene.expected
    if len(scene.judged) < 2 or not (is_complete or len(different) > 1):
        return
    text = f"{len(different)} of {len(scene.judged)} differ"
    if not is_complete:
        text += " so far"
    if len(different) > 1:
        paths = {c.mismatches[0].path for c in different if c.mismatches}
        workers = {c.worker for c in different} if scene.has_own_workers else set()
        if len(paths) == 1 and (path := paths.pop()):
            text += f", all at {shorten(path, 20)}"
        if len(workers) == 1:
            text += f", all on worker {workers.pop()}"
        elif workers:
            text += f", on {len(workers)} workers"
    elif case.worker is not None and scene.has_own_workers:
        text += f", on worker {case.worker}"
    yield scene.noun, text


def _overlap(scene: Scene) -> Iterator[tuple[str, str]]:
    if scene.granted:
        used = f"{scene.used}/{scene.granted} workers used"
        yield "overlap", f"{used}, peak overlap {scene.peak}"
