"""The serialisation of values."""

from __future__ import annotations

import io
import pickle
import sys
from functools import cache
from typing import Any, ClassVar

#: As they were when this process started: a task may replace them for all that come after it.
by_reference, load = pickle.dumps, pickle.loads

#: Buffers of fewer bytes stay inside the pickle: a mapping costs more than the copy.
OUT_OF_BAND = 1 << 16

#: Types whose values, with all their parts, are immutable.
ATOMS = frozenset({bool, bytes, complex, float, int, str, type(None)})


def dumps(value: object, buffers: list[pickle.PickleBuffer] | None = None) -> bytes:
    """Serialise by reference where possible, else by value, as `by_value` does.

    Large contiguous buffers are appended to `buffers`, where given. Raises whatever pickling
    raises.
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
        if b"__main__" not in data:  # which is a different module in a worker
            return data
    if buffers is not None:
        buffers.clear()
    file = io.BytesIO()
    by_value()(file, protocol=5, buffer_callback=callback).dump(value)
    return file.getvalue()


@cache
def by_value() -> Any:
    """Return cloudpickle's pickler, except that it rejects open files.

    cloudpickle sends the rest of a text file as an `io.StringIO`: silently a different value of a
    different class.
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
