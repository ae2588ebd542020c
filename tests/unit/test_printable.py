"""Which characters of foreign texts are escaped, and in which of our texts."""

from __future__ import annotations

import json
import pickle
import sys
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from support.report_samples import cases, entry, report, run, section

from pytest_parwork.equivalence import compare
from pytest_parwork.model.comparison import Comparison, Mismatch, Note
from pytest_parwork.model.errors import LostError, ParworkError, ParworkWarning, UsageError
from pytest_parwork.model.outcome import Failure, Lost, Outcome, Verdict
from pytest_parwork.model.printable import printable, printable_output
from pytest_parwork.report.as_json import json_pieces
from pytest_parwork.report.data import collect
from pytest_parwork.report.entries import judged
from pytest_parwork.report.message import Scene, lost_message, mismatch_message

#: A text that clears the screen, colours, reverses text, hides text, and cannot be encoded.
HOSTILE = (
    "a\x1b[2J\x1b[31mb\u202ec\u2066d\u200be\ufefff\x07g\x9bh\ud800i\u2028j\rk\x7f\u061c\U000e0041"
)

WRITTEN = (
    "a\\x1b[2J\\x1b[31mb\\u202ec\\u2066d\\u200be\\ufefff\\x07g\\x9bh\\ud800i\\u2028j\\rk\\x7f"
    "\\u061c\\U000e0041"
)


def is_clean(text: str) -> bool:
    """Return whether a text of several lines has only readable characters."""
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return not [c for c in text if c not in "\n\t" and unicodedata.category(c) in hidden]


def test_control_and_format_characters_are_escaped() -> None:
    assert printable(HOSTILE) == WRITTEN
    assert printable(WRITTEN) == WRITTEN, "nothing is written out twice"


@pytest.mark.parametrize(
    "text",
    ["", "plain", "two\n\tlines", "déjà vu", "日本語", "עברית", "a\xa0b", "e\u0301", "\\x1b", "🙂"],
)
def test_all_other_text_is_unchanged(text: str) -> None:
    assert printable(text) is text or printable(text) == text


def test_line_ends_of_another_system_are_line_ends() -> None:
    assert printable("a\r\nb\rc") == "a\nb\\rc"


def test_every_character_is_either_kept_or_escaped_as_by_repr() -> None:
    for code in (*range(0x10000), *range(0xE0000, 0xE0080), sys.maxunicode):
        char = chr(code)
        shown = printable(char)
        assert shown == char or shown == repr(char)[1:-1]
        assert is_clean(shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
        ("\x1b[1;38:5:4mbold", "\x1b[1;38:5:4mbold\x1b[0m"),
        ("\x1b[8mhidden\n", "\x1b[8mhidden\n\x1b[0m"),
        ("\x1b[2J\x1b]0;title\x07\x1b[A\x1b[31", "\\x1b[2J\\x1b]0;title\\x07\\x1b[A\\x1b[31"),
        ("\x1b[31m\x1b[1K\x1b[m", "\x1b[31m\\x1b[1K\x1b[m"),
        ("plain", "plain"),
    ],
)
def test_output_keeps_its_colours_and_they_end_with_it(text: str, shown: str) -> None:
    assert printable_output(text) == shown


# the doors


def test_texts_from_a_function_or_a_hook_are_escaped() -> None:
    def judge(_: object, __: object) -> None:
        raise AssertionError(HOSTILE)

    comparison = compare(1, 2, judge)
    assert comparison.mismatches[0].difference == WRITTEN
    assert is_clean(str(comparison))
    names = ("path", "kind", "actual", "expected", "difference", "at")
    texts: dict[str, Any] = dict.fromkeys(names, HOSTILE)
    mismatch = Mismatch(**texts, array=HOSTILE, indices=(HOSTILE,))
    shown = [getattr(mismatch, name) for name in (*texts, "array")]
    assert [*shown, *mismatch.indices] == [WRITTEN] * 8
    note = Note(path=HOSTILE, kind=HOSTILE, text=HOSTILE)
    assert (note.path, note.kind, note.text) == (WRITTEN,) * 3
    assert Comparison(policy=HOSTILE).policy == WRITTEN


@pytest.mark.parametrize("kind", [ParworkError, UsageError, LostError, ParworkWarning])
def test_our_errors_and_warnings_are_escaped_also_after_pickling(
    kind: type[Exception],
) -> None:
    error = kind(f"first line\n{HOSTILE}", 3)
    assert error.args == (f"first line\n{WRITTEN}", 3)
    assert pickle.loads(pickle.dumps(error)).args == error.args


def test_an_exception_that_could_not_be_sent_is_escaped() -> None:
    failure = Failure(type="Own", text=HOSTILE, traceback=f"Traceback:\n{HOSTILE}\n")
    with pytest.raises(RuntimeError) as raised:
        Outcome(kind="failure", failure=failure).result()
    assert is_clean(str(raised.value))
    with pytest.raises(LostError) as lost:
        Outcome(kind="lost", lost=Lost(reason="backend", detail=HOSTILE)).result()
    assert str(lost.value) == f"LOST: {WRITTEN}"


def test_messages_of_failures_are_escaped() -> None:
    scene = Scene(commands=[(HOSTILE, HOSTILE)], policy=HOSTILE, actual=HOSTILE, reference="serial")
    lost = Lost(reason="crash", detail=HOSTILE, stack=(HOSTILE,))
    outcome = Outcome(kind="lost", lost=lost)
    case = judged(HOSTILE, Verdict.LOST, index=0, parallel=outcome)
    comparison = compare(HOSTILE, "other")
    for text in (
        lost_message(case, HOSTILE, reference=HOSTILE),
        mismatch_message(case, comparison, scene, traceback=HOSTILE),
        mismatch_message(case, comparison, replace(scene, like=HOSTILE)),
    ):
        assert "\\x1b[2J" in text
        assert is_clean(text)


def test_the_report_is_escaped_in_the_terminal_and_as_json() -> None:
    outcome = Outcome(kind="lost", lost=Lost(reason="crash", detail=HOSTILE, stack=(HOSTILE,)))
    lost = judged(HOSTILE, Verdict.LOST, index=2, run="a", parallel=outcome, why=HOSTILE)
    texts: dict[str, Any] = {"path": HOSTILE, "actual": HOSTILE, "expected": HOSTILE}
    wrong: dict[str, Any] = {
        "verdict": Verdict.DIFFERENT,
        "mismatches": (Mismatch(kind="value", **texts),),
        "mismatch_count": 1,
        "notes": (Note(path=HOSTILE, kind="own", text=HOSTILE),),
    }
    made = run(
        [*cases(2, workload=HOSTILE, **wrong), lost],
        id=HOSTILE,
        backend=HOSTILE,
        configuration_id=HOSTILE,
        policy=HOSTILE,
        start_method=HOSTILE,
        sent=(HOSTILE,),
        withheld=(HOSTILE,),
    )
    shown = "\n".join(line.text for line in section(made, verbosity=1).lines)
    assert "\\x1b[2J" in shown
    assert is_clean(shown)

    def strings(value: object) -> list[str]:
        if isinstance(value, dict):
            return [s for pair in value.items() for part in pair for s in strings(part)]
        if isinstance(value, list):
            return [s for part in value for s in strings(part)]
        return [value] if isinstance(value, str) else []

    found = strings(json.loads("".join(json_pieces(report(made)))))
    assert [text for text in found if not is_clean(text)] == []
    assert found.count(WRITTEN) > 10


def test_cases_whose_ids_look_the_same_are_all_reported() -> None:
    first, second = cases(1, id="x[\x1b]"), cases(1, id="x[\\x1b]", index=1)
    (joined,) = collect([entry([*first, *second])])
    assert len(joined.cases) == 2
