"""astropy 8.0.2: enabled equivalencies do not reach new processes.

Confirmed by hand: enabled in the initializer of a pool, conversions succeed. Reports: astropy
#1268, #13795.
"""

import astropy.units as u
import pytest


@pytest.fixture(scope="module", autouse=True)
def spectral():
    with u.set_enabled_equivalencies(u.spectral()):
        yield


@pytest.mark.parwork(backend="processes:spawn", workers=2)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_convert(n):
    return (n * u.nm).to_value(u.THz)
