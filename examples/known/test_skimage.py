"""scikit-image 0.26.0, apply_parallel: seams between chunks.

Chunks do not overlap unless `depth=` is given, which is documented. Confirmed by hand: with depth=8
the rest of the difference is rounding. `inside="dask:threads"` would not show it, as both runs have
the same chunks.
"""

import numpy as np
import pytest
from skimage.filters import gaussian
from skimage.util import apply_parallel


@pytest.mark.parwork(vary={"chunks": [(64, 64), (32, 32)]})
def test_smooth(chunks):
    image = np.random.default_rng(0).random((64, 64))
    return apply_parallel(gaussian, image, chunks=chunks, extra_keywords={"sigma": 2})
