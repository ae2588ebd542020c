"""Every estimator of scikit-learn that has `n_jobs`: the same result with one and with two jobs?

Compared are the fitted attributes that are numbers or arrays, and what the estimator predicts or
returns for its training data. Each known difference is an expected failure, with its cause.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, Perceptron, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators

from pytest_parwork import MismatchError, close, parwork

X, Y = make_classification(n_samples=120, n_features=6, random_state=0)
POINTS = np.abs(X)  # topic models need numbers that are not negative
TARGETS = np.column_stack([Y, 1 - Y])

#: Estimators by name.
ESTIMATORS: Mapping[str, Any] = {
    name: cls for name, cls in all_estimators() if "n_jobs" in inspect.signature(cls).parameters
}

#: Arguments that keep a fit short, for estimators that have them, and make it reproducible.
SMALL = {
    "random_state": 0,
    "n_estimators": 8,
    "n_init": 2,
    "max_subpopulation": 50,
    "perplexity": 10,
    "max_iter": 250,
    "n_components": 2,
    "cv": 3,
}

#: Arguments of those that need others.
NEEDED: Mapping[str, Mapping[str, Any]] = {
    "ColumnTransformer": {
        "transformers": [("a", StandardScaler(), [0, 1]), ("b", StandardScaler(), [2])]
    },
    "FeatureUnion": {"transformer_list": [("a", StandardScaler()), ("b", StandardScaler())]},
    "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [0.1, 1.0]}},
    "MultiOutputClassifier": {"estimator": LogisticRegression()},
    "MultiOutputRegressor": {"estimator": Ridge()},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OrthogonalMatchingPursuitCV": {"max_iter": 4},
    "OneVsRestClassifier": {"estimator": LogisticRegression()},
    "OutputCodeClassifier": {"estimator": LogisticRegression()},
    "RFECV": {"estimator": LogisticRegression()},
    "RandomizedSearchCV": {
        "estimator": LogisticRegression(),
        "param_distributions": {"C": [0.1, 1.0]},
        "n_iter": 2,
    },
    "SequentialFeatureSelector": {"estimator": LogisticRegression()},
    "SparseCoder": {"dictionary": np.eye(6)[:4]},
    "StackingClassifier": {
        "estimators": [("a", LogisticRegression()), ("b", LogisticRegression())]
    },
    "StackingRegressor": {"estimators": [("a", Ridge()), ("b", Ridge(alpha=2))]},
    "TunedThresholdClassifierCV": {"estimator": LogisticRegression()},
    "VotingClassifier": {"estimators": [("a", LogisticRegression()), ("b", Perceptron())]},
    "VotingRegressor": {"estimators": [("a", Ridge()), ("b", Ridge(alpha=2))]},
}

#: Those whose target has several columns, and those that are given none.
MULTIPLE = {
    "MultiOutputClassifier",
    "MultiOutputRegressor",
    "MultiTaskElasticNetCV",
    "MultiTaskLassoCV",
}

#: Seconds measured by the estimators themselves.
TIMES = "time"


def fitted(name: str, n_jobs: int) -> dict[str, object]:
    """Return the numbers that an estimator has learned, and what it makes of its data."""
    cls = ESTIMATORS[name]
    known = inspect.signature(cls).parameters
    arguments = {key: value for key, value in SMALL.items() if key in known}
    model = cls(**{**arguments, **NEEDED.get(name, {})}, n_jobs=n_jobs)
    model.fit(
        np.abs(X), TARGETS if name in MULTIPLE else Y
    )  # topics need counts, others do not mind
    found: dict[str, object] = {
        key: value
        for key, value in vars(model).items()
        if key.endswith("_") and isinstance(value, float | int | np.ndarray)
        if TIMES not in key
    }
    found.update(
        {key: v for key, v in vars(model).get("cv_results_", {}).items() if TIMES not in key}
    )
    for method in ("predict", "predict_proba", "transform", "kneighbors"):
        if hasattr(model, method):
            found[method] = getattr(model, method)(POINTS)
    return found


#: What differs, and why: each cause was confirmed by undoing it.
KNOWN = {
    # One job draws all starts from one generator; two draw a seed for each. With those seeds, one
    # job gives what two give.
    "MDS": pytest.mark.xfail(raises=MismatchError, reason="random streams by n_jobs", strict=True),
    # Each job gets a copy of the generator, so each draws the same numbers for its share of the
    # samples. One job gives the bits of two if its generator is copied for each half.
    "LatentDirichletAllocation": pytest.mark.xfail(
        raises=MismatchError, reason="each job has a copy of the generator", strict=True
    ),
    # Kernels are computed in one block a job. One job gives the same bits block by block.
    "Nystroem": parwork(compare=close(rtol=1e-9, atol=1e-12)),
}


@parwork(vary={"n_jobs": [1, 2]})
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=KNOWN.get(name, ())) for name in ESTIMATORS]
)
@pytest.mark.filterwarnings("ignore")
def test_estimator(name: str, n_jobs: int) -> dict[str, object]:
    return fitted(name, n_jobs)
