"""astropy 8.0.2: the stack of enabled equivalencies belongs to the process.

Confirmed by hand: with a lock around each conversion, results are the same. Named in astropy
#1268.
"""

import astropy.units as u
import pytest


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("n", range(6))
def test_convert(n):
    found = []
    for i in range(300):
        length = (n + 1.0 + i) * u.nm
        try:
            if n % 2:
                with u.set_enabled_equivalencies(u.spectral()):
                    found.append(length.to_value(u.THz))
            else:
                found.append(length.to_value(u.THz))
        except u.UnitConversionError:
            found.append("not convertible")
    return found
