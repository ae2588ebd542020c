"""The marker with a typed signature: `from pytest_parwork import parwork`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, overload

import pytest

from ...model.public import public
from ...model.work import Scope, WorkersAsked
from .options import DEFAULTS

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11

    from ...equivalence import Compare

F = TypeVar("F", bound=Callable[..., object])


class CallSettings(TypedDict, total=False):
    """The keywords of a single call."""

    backend: str
    workers: WorkersAsked
    compare: Compare
    verify: float
    timeout: float | None
    chunksize: WorkersAsked
    diagnose: bool


class MarkSettings(TypedDict, total=False):
    """The keywords of the marker; lists make a matrix."""

    backend: str | Sequence[str]
    workers: WorkersAsked | Sequence[WorkersAsked]
    inside: str | Sequence[str]
    vary: Mapping[str, Sequence[object]]
    compare: Compare
    verify: float
    timeout: float | None
    chunksize: WorkersAsked
    diagnose: bool
    scope: Scope
    exclusive: str | Sequence[str] | None
    repeat: int
    min_speedup: float | None


@overload
def parwork(function: F, /) -> F: ...
@overload
def parwork(**keywords: Unpack[MarkSettings]) -> pytest.MarkDecorator: ...
@public()
def parwork(function: Callable[..., object] | None = None, /, **keywords: Any) -> object:
    """Mark a test whose cases run serially and in parallel; the same as `pytest.mark.parwork`.

    Use it bare or with keywords; as `pytestmark`, only with parentheses.

    Keywords: `backend` and `workers`, single values, or lists that make a matrix; for code that is
    parallel itself `vary`, `{argument: [reference, other]}`, or `inside`, a name or a list;
    `compare`, a policy, a function `f(actual, expected)`, or `{key: policy}` for a returned dict;
    `verify`, the share of cases that also run serially, 0 to 1; `timeout`, the seconds that a case
    may take in either run; `scope`, which cases form one workload, those of a function, class,
    module or the session; `exclusive`, the names of resources, such as a port, that no two cases
    use at the same time; `repeat`, how many tasks of the run each case is, so that it meets itself;
    `min_speedup`, the lowest accepted ratio of serial to parallel seconds;
    `chunksize`, tasks per batch; `diagnose`, False if a difference must not lead to further runs.
    Wrong values are errors at collection.
    """
    mark = pytest.mark.parwork
    return mark(function) if function is not None else mark(**keywords)


class _Exact:
    """Stands for the default policy in the signature: to load it takes time."""

    def __repr__(self) -> str:
        return "exact()"


def _signature() -> inspect.Signature:
    """Return the signature with all keywords, for `help` and editors without a type checker.

    The function itself takes any, so that a wrong one is an error at collection, with all known.
    """
    defaults = {**DEFAULTS, "compare": _Exact(), "chunksize": "auto"}
    defaults |= {"scope": "function", "repeat": 1}
    keyword = inspect.Parameter.KEYWORD_ONLY
    hints = {name: hint.__forward_arg__ for name, hint in MarkSettings.__annotations__.items()}
    return inspect.Signature(
        [
            inspect.Parameter("function", inspect.Parameter.POSITIONAL_ONLY, default=None),
            *(
                inspect.Parameter(name, keyword, default=defaults.get(name), annotation=hint)
                for name, hint in hints.items()
            ),
        ]
    )


parwork.__signature__ = _signature()  # type: ignore[attr-defined]  # as `inspect` reads it
