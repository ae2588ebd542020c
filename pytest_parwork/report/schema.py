"""The JSON Schema of a report, and the check of a file against it.

The file beside this module is the published schema. It uses few keywords, so a check of our own
takes a tenth of the time of a library's, and `pytest-parwork` needs no further dependency. The
tests hold it against that of the library `jsonschema`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = Any

FILE = Path(__file__).with_name("schema-1.json")

_IS: Mapping[str, Callable[[Json], bool]] = {
    "object": lambda data: isinstance(data, dict),
    "array": lambda data: isinstance(data, list),
    "string": lambda data: isinstance(data, str),
    "integer": lambda data: type(data) is int,
    "number": lambda data: type(data) in (int, float),
    "boolean": lambda data: isinstance(data, bool),
    "null": lambda data: data is None,
}


@cache
def schema() -> Mapping[str, Json]:
    """Return the schema."""
    loaded: Mapping[str, Json] = json.loads(FILE.read_text(encoding="utf-8"))
    return loaded


def violation(data: Json) -> str:
    """Return where and how data do not follow the schema: `runs[0].id is no string`; or ""."""
    return _violation(data, schema(), "")


def _violation(data: Json, rule: Mapping[str, Json], place: str) -> str:
    if "$ref" in rule:
        rule = schema()["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    kinds = rule.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    if kinds and not any(_IS[kind](data) for kind in kinds):
        return f"{place.removeprefix('.') or 'the file'} is no {' or '.join(kinds)}"
    if "enum" in rule and data not in rule["enum"]:
        return f"{place.removeprefix('.')} is {data!r:.40}, not one of {rule['enum']}"
    if isinstance(data, dict):
        return _members(data, rule, place)
    if isinstance(data, list):
        return _items(data, rule, place)
    return ""


def _members(data: Mapping[str, Json], rule: Mapping[str, Json], place: str) -> str:
    for name in rule.get("required", ()):
        if name not in data:
            return f"{place.removeprefix('.') or 'the file'} has no {name!r}"
    rules, others = rule.get("properties", {}), rule.get("additionalProperties")
    for name, value in data.items():
        inner = rules.get(name, others)
        if isinstance(inner, dict) and (text := _violation(value, inner, f"{place}.{name}")):
            return text
    return ""


def _items(data: list[Json], rule: Mapping[str, Json], place: str) -> str:
    if len(data) < rule.get("minItems", 0) or len(data) > rule.get("maxItems", len(data)):
        return f"{place.removeprefix('.')} has {len(data)} items"
    inner = rule.get("items")
    if inner is None:
        return ""
    texts = (_violation(item, inner, f"{place}[{n}]") for n, item in enumerate(data))
    return next(filter(None, texts), "")
