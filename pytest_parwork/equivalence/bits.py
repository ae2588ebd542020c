"""The bits of an array, hashed block by block."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeAlias

from .elements import split_blocks

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

#: The kinds of NumPy's dtypes that their `str` describes completely.
_SIMPLE = "biufcmMSUVO"

#: The long doubles of x86: ten bytes, followed by undefined padding.
_X87_MANTISSA = 63
_X87_BYTES = 10


def describe_dtype(dtype: np.dtype[Any]) -> object:
    """Return, as plain data, what `==` between two dtypes compares.

    TypeError for the dtypes of other projects: only these know when two of them are equal.
    """
    if dtype.names is not None:
        assert dtype.fields is not None
        fields = [
            [name, describe_dtype(dtype.fields[name][0]), *dtype.fields[name][1:]]
            for name in dtype.names
        ]
        return ["fields", dtype.itemsize, fields]
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return ["of", describe_dtype(base), list(shape)]
    if dtype.kind in _SIMPLE and dtype.type.__module__ == "numpy":
        return dtype.str
    raise TypeError(f"{dtype}: a dtype that NumPy does not know")


def hash_elements(array: Array, hidden: Array | None = None) -> bytes:
    """Return the SHA-256 of the elements in C order, all NaNs alike, `hidden` ones as zeros.

    At most one block is copied at a time, and only where it has to be changed or reordered.
    """
    import numpy as np

    zero = np.zeros((), array.dtype)[()]
    state = hashlib.sha256()
    for _, block, mask in split_blocks(array, array if hidden is None else hidden):
        if hidden is not None and mask.any():
            block = block.copy()
            block[mask] = zero
        state.update(_normalize(block).view("u1").data)
    return state.digest()


def _normalize(block: Array) -> Array:
    """Return a contiguous block with all NaNs alike, and without the padding of long doubles."""
    import numpy as np

    if block.dtype.kind == "c":
        order, size = block.dtype.byteorder, block.dtype.itemsize
        block = block.view(f"{order}f{size // 2}")
    if block.dtype.kind != "f":
        return block
    if block.dtype.itemsize > 8:
        block = block.astype(block.dtype.newbyteorder("="))
        if np.finfo(block.dtype).nmant == _X87_MANTISSA:
            block.view("u1").reshape(-1, block.dtype.itemsize)[:, _X87_BYTES:] = 0
    with np.errstate(invalid="ignore"):
        if np.isnan(block.min()):
            block = block.copy()
            block[np.isnan(block)] = np.nan
    return block
