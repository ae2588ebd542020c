"""`mpl_image_compare` (pytest-mpl).

packages: pytest-mpl
options: --mpl --mpl-baseline-path=base
store: --mpl-generate-path=base
note: style and backend are those of the process
"""

import os

import matplotlib.pyplot as plt
import pytest

N = pytest.mark.parametrize("n", range(2))


SHIFT = 0 if "STORING" in os.environ else 1


@pytest.mark.mpl_image_compare
@N
def test_it(n):
    figure, axes = plt.subplots()
    axes.plot([1, 2, n])
    return figure


@pytest.mark.mpl_image_compare
@N
def test_fails(n):
    figure, axes = plt.subplots()
    axes.plot([1, 2, n + SHIFT])
    return figure
