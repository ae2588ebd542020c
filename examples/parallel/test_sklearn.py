"""Functions and searches of scikit-learn with `n_jobs`, and estimators that follow joblib."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import GridSearchCV, cross_val_score

from pytest_parwork import close, parwork

X, Y = make_classification(n_samples=300, n_features=8, random_state=0)


@parwork(vary={"n_jobs": [1, 2, -1]})
def test_forest(n_jobs: int) -> NDArray[np.float64]:
    forest = RandomForestClassifier(20, n_jobs=n_jobs, random_state=0)
    return np.asarray(forest.fit(X, Y).predict_proba(X))


@parwork(vary={"n_jobs": [1, 2]})
@pytest.mark.parametrize("metric", ["manhattan", "chebyshev"])
def test_distances(metric: str, n_jobs: int) -> NDArray[np.float64]:
    return np.asarray(pairwise_distances(X, metric=metric, n_jobs=n_jobs))


# Euclidean distances come from a product of matrices, one block a job, and BLAS adds up otherwise
# in other blocks. One job gives the bits of two when it is called with the two blocks.
@parwork(vary={"n_jobs": [1, 2]}, compare=close(rtol=1e-9, atol=1e-6))
def test_euclidean_distances(n_jobs: int) -> NDArray[np.float64]:
    points = np.random.default_rng(0).random((300, 40))
    return np.asarray(pairwise_distances(points, n_jobs=n_jobs))


@parwork(vary={"n_jobs": [1, 2]})
def test_grid_search(n_jobs: int) -> dict[str, object]:
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, n_jobs=n_jobs, cv=3)
    search.fit(X, Y)
    results = {k: v for k, v in search.cv_results_.items() if "time" not in k}
    return {"best": search.best_params_, "results": results}


@parwork(inside=["joblib:threading", "joblib:loky"], workers=2)
def test_scores_follow_joblib() -> NDArray[np.float64]:
    return np.asarray(cross_val_score(RandomForestClassifier(10, random_state=0), X, Y, cv=4))


ROUNDED = close(rtol=1e-9)


# Lloyd's iterations are parallel by OpenMP: threads add up the centres of their shares of the
# samples, so sums are rounded otherwise: by 4e-15 here. Labels are the same, each number of threads
# agrees with itself, and with one thread of OpenMP the threads of BLAS change nothing.
@parwork(inside="native", workers=2, compare={"centers": ROUNDED, "inertia": ROUNDED})
def test_kmeans_on_native_threads() -> dict[str, object]:
    points = np.random.default_rng(0).random((20_000, 8))
    model = KMeans(4, n_init=1, random_state=0).fit(points)
    return {"centers": model.cluster_centers_, "inertia": model.inertia_, "labels": model.labels_}
