"""matplotlib 3.11.2: the current figure of pyplot belongs to the process.

Confirmed by hand: with a Figure for each case, counts are right. It is documented.
"""

import matplotlib
import pytest

matplotlib.use("agg")
import matplotlib.pyplot as plt


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("i", range(6))
def test_lines(i):
    plt.figure()
    for k in range(30):
        plt.plot([0, k], [i, k])
    count = len(plt.gca().lines)
    plt.close("all")
    return count
