"""mpmath 1.3.0, workdps: the precision is an attribute of one context of the process.

The race spoils the serial run as well: nodes of `quad` are cached by a precision that another
thread has changed. Confirmed by hand: with a lock, or a context for each thread, results are the
same. Report: mpmath #683.
"""

import mpmath
import pytest


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("dps", [15, 40, 80, 120])
def test_erf(dps):
    with mpmath.workdps(dps):
        return [str(mpmath.quad(lambda x: mpmath.exp(-x * x), [0, i])) for i in range(1, 5)]
