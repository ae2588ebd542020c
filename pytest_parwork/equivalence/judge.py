"""The policy that calls a function of the user."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..model.comparison import Comparison, Mismatch
from ..model.dataclass import dataclass
from ..model.errors import UsageError
from .plain import is_bool
from .show import ShownAsText, clip, mask_addresses, name_type, show

if TYPE_CHECKING:
    from ..model.comparison import OwnComparison

_NAME_LIMIT = 100
TEXT_LIMIT = 1000
_ANSWERS = "a comparison must return True, False or None, or raise AssertionError"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Judge(ShownAsText):
    """A function that says whether two values are equal.

    True or None is equal; False, or an AssertionError with its text, is different.
    """

    function: Callable[[Any, Any], object]

    def __str__(self) -> str:
        return clip(_name_callable(self.function), limit=_NAME_LIMIT)

    def __call__(
        self,
        actual: object,
        expected: object,
        /,
        *,
        own: OwnComparison | None = None,  # noqa: ARG002  # the function alone decides
    ) -> Comparison:
        text = ""
        try:
            answer = self.function(actual, expected)
        except AssertionError as error:
            answer = False
            text = mask_addresses(str(error).strip())[:TEXT_LIMIT]
        except Exception as error:
            raise UsageError(f"{self} raised {show(error)}: {_ANSWERS}") from error
        if answer is not None and not is_bool(answer):
            kind = name_type(type(answer))
            raise UsageError(f"{self} returned {show(answer)} ({kind}): {_ANSWERS}")
        if answer is None or answer:
            return Comparison(policy=str(self))
        mismatch = Mismatch(
            path="", kind="policy", actual=show(actual), expected=show(expected), difference=text
        )
        return Comparison.different(mismatch, str(self))


def _name_callable(function: object) -> str:
    """Return the qualified name of a callable, that of a partial with its arguments."""
    if isinstance(function, functools.partial):
        arguments = [_name_callable(function.func), *map(show, function.args)]
        arguments += [f"{name}={show(value)}" for name, value in function.keywords.items()]
        return f"partial({', '.join(arguments)})"
    name = getattr(function, "__qualname__", None)
    if not isinstance(name, str):
        return name_type(type(function))
    return f"{getattr(function, '__module__', None) or 'builtins'}.{name}".removeprefix("builtins.")
