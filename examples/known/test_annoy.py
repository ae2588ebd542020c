"""annoy 1.17.3: another index with more than one building thread.

Each thread seeds its own generator with seed + its number, so that trees depend on the number of
threads. Confirmed by hand: one and two jobs differ, while the same number twice agrees with itself.
"""

import numpy as np
import pytest
from annoy import AnnoyIndex


@pytest.mark.parwork(vary={"n_jobs": [1, 2]})
def test_neighbours(n_jobs):
    index = AnnoyIndex(20, "euclidean")
    index.set_seed(1)
    for i, vector in enumerate(np.random.default_rng(0).random((2000, 20))):
        index.add_item(i, vector)
    index.build(4, n_jobs=n_jobs)
    return [index.get_nns_by_item(i, 10) for i in range(50)]
