"""An exception of another process, made again from the name of its class and its text."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .printable import printable

#: The note on such an exception.
NOTE = "parwork: another object, because the one in the worker could not be pickled"


def remade(name: str, text: str, notes: Sequence[str]) -> BaseException | None:
    """Return an exception of a class, by its full name, that could not be sent as an object.

    `pytest.raises` and `xfail(raises=...)` ask for its class. `__init__` is not called, as it may
    want other arguments. None if this process cannot find the class, or not make an instance.
    """
    kind = _class_named(name)
    if kind is None:
        return None
    text = printable(text)
    try:
        made: BaseException = kind.__new__(kind, text)
        made.args = (text,)
        vars(made)["__notes__"] = [*notes, NOTE]  # `add_note` comes with Python 3.11
        str(made)
    except Exception:
        return None
    return made


def _class_named(name: str) -> type[BaseException] | None:
    """Return the class of an exception, as far as its module is imported here."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, -1, -1):
        found: object = sys.modules.get(".".join(parts[:cut]) or "builtins")
        if found is not None:
            for part in parts[cut:]:
                found = getattr(found, part, None)
            return found if isinstance(found, type) and issubclass(found, BaseException) else None
    return None
