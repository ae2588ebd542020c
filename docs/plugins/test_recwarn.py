"""`recwarn` (pytest).

note: it changes the whole process
"""

import warnings

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, recwarn):
    warnings.warn(f"case {n}", stacklevel=1)
    return [str(warning.message) for warning in recwarn]
