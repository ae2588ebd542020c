"""The memory layout of NumPy arrays that are sent as arguments: strides, and whether read-only.

NumPy's own pickles of arrays that are not contiguous are contiguous, and those of objects and times
are writeable. A sum over another layout may differ in its last bits, and a test may expect the
error of writing to a read-only array.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

#: Bytes of memory that a strided array may span in a worker; a copy of a larger one is contiguous.
MOST_SPANNED = 1 << 28

#: Bytes of an array that owns its memory in a worker as well, and can be resized in place there. A
#: larger one is mapped from the payload without a copy.
MOST_OWNED = 1 << 16

#: Addresses keep their remainder by this, which is that of a vector instruction.
ALIGNMENT = 64


def reduce_array(array: Any) -> Any:
    """Return what pickle is to write for an array whose layout would change, None for any other."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(array) is not numpy.ndarray:
        return None
    flags = array.flags
    if not (flags.c_contiguous or flags.f_contiguous or array.dtype.hasobject):
        return _reduce_strided(array)
    if flags.owndata and array.nbytes <= MOST_OWNED:
        reduced = array.__reduce__()
        return reduced if flags.writeable else (*reduced, None, None, set_read_only)
    # NumPy's pickle of numbers has the flag: it is that of their buffer.
    if flags.writeable or not (array.dtype.hasobject or array.dtype.kind in "mM"):
        return None
    return (*array.__reduce__(), None, None, set_read_only)


def set_read_only(array: np.ndarray[Any, Any], state: Any) -> None:
    """Restore an array from the state that NumPy's pickles have, as a read-only one."""
    array.__setstate__(state)
    array.flags.writeable = False


def _reduce_strided(array: Any) -> Any:
    import numpy as np

    span = array.itemsize + sum(
        (length - 1) * abs(stride)
        for length, stride in zip(array.shape, array.strides, strict=True)
    )
    if span > MOST_SPANNED and span > 2 * array.nbytes:
        return None
    # Elements in the order of their addresses; `low` begins at the lowest one.
    low = array[tuple(slice(None, None, -1 if stride < 0 else 1) for stride in array.strides)]
    data: Any
    if span <= array.nbytes:  # without gaps, and perhaps with shared elements
        first = low[(slice(0, 1),) * low.ndim].reshape(1).view(np.uint8)
        data = np.lib.stride_tricks.as_strided(first, (span,), (1,), writeable=False).copy()
    else:
        data = np.ascontiguousarray(low)
    address = low.__array_interface__["data"][0]
    layout = (span, address % ALIGNMENT, array.shape, array.strides, array.flags.writeable)
    return restore_strided, (data, array.dtype, *layout)


def restore_strided(
    data: Any,
    dtype: Any,
    span: int,
    remainder: int,
    shape: Sequence[int],
    strides: Sequence[int],
    writeable: bool,
) -> object:
    """Make an array with its former layout; `data` are its bytes, or its elements without gaps."""
    import numpy as np

    memory = np.zeros(span + 2 * ALIGNMENT, np.uint8)
    start = -memory.__array_interface__["data"][0] % ALIGNMENT + remainder
    positive = tuple(map(abs, strides))
    low: Any = np.ndarray(tuple(shape), dtype, memory, start, positive)
    if data.dtype == np.uint8 and data.shape == (span,):
        memory[start : start + span] = data
    else:
        low[...] = data
    array = low[tuple(slice(None, None, -1 if stride < 0 else 1) for stride in strides)]
    array.flags.writeable = writeable
    return array
