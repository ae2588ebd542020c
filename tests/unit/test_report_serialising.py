"""Report data as plain JSON values, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from support.report_samples import CRASH, MEAN, cases, entry

from pytest_parwork.model.causes import Cause
from pytest_parwork.model.comparison import Note
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.model.work import Budget
from pytest_parwork.report.data import RunEntry
from pytest_parwork.report.entries import Result
from pytest_parwork.report.serialising import deserialise, serialise


def full_entry() -> RunEntry:
    """Return an entry in which every field that is a dataclass, or holds some, is filled."""
    first, second = cases(2)
    different = replace(
        first,
        verdict=Verdict.DIFFERENT,
        process=4711,
        serial_interval=(0.5, 1.5),
        mismatches=(replace(MEAN, indices=("[4]", "[5]")),),
        mismatch_count=1,
        classes={"value": 1},
        notes=(Note(path="['a']", kind="dict-order", text="keys moved"),),
        result=Result(kind="value", text="{'mean': 3.14}", digest="ab12"),
    )
    return entry(
        [different, replace(second, **CRASH)],
        budget=Budget(workers=2, source="2 asked for", cpus=8, cpus_limit="affinity"),
        sent=("test_it.py",),
        withheld=("secret.py",),
        causes=(Cause(name="GLOBAL_RNG", cases=(first.id,), probes=("same state",)),),
    )


def test_an_entry_survives_being_sent_as_json() -> None:
    whole = full_entry()
    assert deserialise(RunEntry, json.loads(json.dumps(serialise(whole)))) == whole


def test_what_is_sent_holds_builtin_types_only() -> None:
    # What xdist sends knows exact types only, no subclass of str such as Verdict.
    def check(value: object) -> None:
        assert type(value) in {dict, tuple, str, int, float, bool, type(None)}
        for child in value.values() if isinstance(value, dict) else []:
            check(child)
        for child in value if isinstance(value, tuple) else []:
            check(child)

    check(serialise(full_entry()))


def test_a_key_that_is_missing_has_the_default_of_its_field() -> None:
    data: dict[str, Any] = serialise(entry(cases(1)))
    del data["causes"], data["chunksize"]
    assert deserialise(RunEntry, data) == entry(cases(1))


def test_what_is_no_plain_value_is_an_error_that_names_it() -> None:
    @dataclass
    class Holder:
        value: object

    with pytest.raises(TypeError, match=r"a report cannot hold <object .* of type object"):
        serialise(Holder(object()))
