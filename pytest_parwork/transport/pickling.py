"""The serialisation of values."""

from __future__ import annotations

import pickle

#: Buffers of fewer bytes stay inside the pickle: a mapping costs more than the copy.
OUT_OF_BAND = 1 << 16

#: Types whose values, with all their parts, are immutable.
ATOMS = frozenset({bool, bytes, complex, float, int, str, type(None)})


def dumps(value: object, buffers: list[pickle.PickleBuffer] | None = None) -> bytes:
    """Serialise by reference where possible, else by value through cloudpickle.

    Large contiguous buffers are appended to `buffers`, where given. Raises whatever pickling
    raises.
    """
    if type(value) in ATOMS:
        return pickle.dumps(value, protocol=5)

    def keep(buffer: pickle.PickleBuffer) -> bool:
        assert buffers is not None
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        buffers.append(buffer)
        return False

    callback = None if buffers is None else keep
    try:
        data = pickle.dumps(value, protocol=5, buffer_callback=callback)
    except Exception:
        pass
    else:
        if b"__main__" not in data:  # which is a different module in a worker
            return data
    import cloudpickle  # here, because most runs never need it

    if buffers is not None:
        buffers.clear()
    return bytes(cloudpickle.dumps(value, protocol=5, buffer_callback=callback))
