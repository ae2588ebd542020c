"""scikit-learn 1.9.1, MDS: other random starts with more than one job.

The serial branch draws all starts from one generator; the parallel branch draws a seed for each
start. Confirmed by hand: one job, run with the parallel branch's seeds, gives what two jobs give.
Reports: scikit-learn #10119 (open) asks for the comparison, #9287 is the same pattern in KMeans.
"""

import numpy as np
import pytest
from sklearn.manifold import MDS


@pytest.mark.parwork(vary={"n_jobs": [1, 2]})
def test_mds(n_jobs):
    points = np.random.default_rng(0).random((30, 4))
    model = MDS(n_init=2, n_jobs=n_jobs, random_state=0, max_iter=50, init="random")
    return model.fit_transform(points)
