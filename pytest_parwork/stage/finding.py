"""What the addresses of a stage lead to."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any, NamedTuple, cast

from ..model import Address
from .recipe import Stage, Step

__all__ = ["Found", "find", "unwrapped"]


class Found(NamedTuple):
    """The class of the test or its function, and what makes each fixture, by key."""

    cls: type | None
    body: Callable[..., object] | None
    makers: Mapping[str, Callable[..., object]]
    owners: Mapping[str, type]
    steps: Mapping[str, Step]


def find(stage: Stage) -> Found:
    """Import what a stage names."""
    target: Any = importlib.import_module(stage.body.module)
    for name in stage.body.classes:
        target = getattr(target, name)
    makers: dict[str, Callable[..., object]] = {}
    owners: dict[str, type] = {}
    for step in stage.steps:
        if isinstance(step.maker, Address):
            owner: Any = importlib.import_module(step.maker.module)
            for name in step.maker.classes:
                owner = getattr(owner, name)
            makers[step.key] = cast(
                "Callable[..., object]", unwrapped(getattr(owner, step.maker.attribute))
            )
            owners[step.key] = owner
        elif not isinstance(step.maker, str):
            makers[step.key] = step.maker
    is_method = bool(stage.body.classes)
    return Found(
        target if is_method else None,
        None if is_method else getattr(target, stage.body.attribute),
        makers,
        owners,
        {step.key: step for step in stage.steps},
    )


def unwrapped(target: object) -> object:
    """Return the function that pytest has made a fixture of; anything else as it is."""
    while True:
        # By its type: an object of a user may answer `isinstance` with an error.
        if type(target) in (staticmethod, classmethod, MethodType):
            target = target.__func__  # type: ignore[attr-defined]  # one of the three
        elif type(target).__name__ == "FixtureFunctionDefinition":
            target = target.__wrapped__  # type: ignore[attr-defined]  # as functools.wraps has it
        else:
            return target
