"""The comparer of pydantic's models."""

from __future__ import annotations

from functools import partial

from ..pairs import Comparer, compare_parts, read_attributes
from ..records import is_cached

#: The record of which fields were given, in both major versions: pydantic's own `==` ignores it as
#: well.
_UNCOUNTED = {"__pydantic_fields_set__", "__fields_set__"}


def find(cls: type) -> Comparer | None:
    """Return the comparer of a model, None for other classes and for one with its own `__eq__`."""
    for base in cls.__mro__:
        if "__eq__" in vars(base):
            is_pydantic = base.__module__.partition(".")[0] == "pydantic"
            if is_pydantic and any(cls.__name__ == "BaseModel" for cls in base.__mro__):
                return partial(compare_parts, _read_model)
            return None
    return None


def _read_model(model: object) -> dict[str, object]:
    """Read fields, extra and private attributes; cached properties follow from these."""
    return {
        name: part
        for name, part in read_attributes(model).items()
        if name not in _UNCOUNTED and not is_cached(type(model), name)
    }
