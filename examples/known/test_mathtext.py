"""matplotlib 3.11.2: all MathTextParser objects share one parser with a stack of states.

Confirmed by hand: with a lock around `parse`, sizes are the same.
"""

import pytest
from matplotlib.mathtext import MathTextParser


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("i", range(6))
def test_size(i):
    parser = MathTextParser("path")
    sizes = []
    for k in range(8):
        text = rf"$\frac{{x^{{{i}}}_{k}}}{{\sqrt{{y_{i}}}}} \mathrm{{ab}} \mathbf{{c}}_{{{k}{i}}}$"
        found = parser.parse(text)
        sizes.append((round(float(found.width), 6), round(float(found.height), 6)))
    return sizes
