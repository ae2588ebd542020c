"""How values are serialised."""

from __future__ import annotations

import io
import pickle
import sys
from functools import cache
from typing import Any, ClassVar

__all__ = ["ATOMS", "by_reference", "by_value", "dumps", "load"]

#: As they were when this process came to life: a task may replace them, for all that come after.
by_reference, load = pickle.dumps, pickle.loads

#: Buffers below this many bytes stay inside the pickle: a mapping costs more than the copy.
OUT_OF_BAND = 1 << 16

#: Types whose values cannot change, and are made of nothing that can.
ATOMS = frozenset({bool, bytes, complex, float, int, str, type(None)})


def dumps(value: object, buffers: list[pickle.PickleBuffer] | None = None) -> bytes:
    """Serialise by reference where possible, else by value, as `by_value` does.

    Large contiguous buffers go to `buffers`, where given. Raises what pickling raised, whatever
    class that is.
    """
    if type(value) in ATOMS:
        return by_reference(value, protocol=5)

    def keep(buffer: pickle.PickleBuffer) -> bool:
        assert buffers is not None
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        buffers.append(buffer)
        return False

    callback = None if buffers is None else keep
    try:
        data = by_reference(value, protocol=5, buffer_callback=callback)
    except Exception:
        pass
    else:
        if b"__main__" not in data:  # which is another module in a worker
            return data
    if buffers is not None:
        buffers.clear()
    file = io.BytesIO()
    by_value()(file, protocol=5, buffer_callback=callback).dump(value)
    return file.getvalue()


@cache
def by_value() -> Any:
    """Return cloudpickle's pickler, except that it rejects open files.

    Of a text file cloudpickle sends what can be read from it, as an `io.StringIO`: another value of
    another class, without any word.
    """
    import cloudpickle  # here, because most runs never need it

    plain: Any = cloudpickle.Pickler
    reduce_stream = plain.dispatch_table[io.TextIOWrapper]

    def reduce_file(file: io.TextIOWrapper) -> Any:
        if file is sys.stdout or file is sys.stderr:  # which each process has
            return reduce_stream(file)
        raise TypeError(
            f"cannot pickle the open file {file.name!r}; use its path, or what is read from it"
        )

    class ByValue(plain):  # type: ignore[misc]  # without types
        dispatch_table: ClassVar[Any] = plain.dispatch_table.new_child(
            {io.TextIOWrapper: reduce_file}
        )

    return ByValue
