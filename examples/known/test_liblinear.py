"""scikit-learn 1.9.1, LinearSVC: the generator of liblinear is one static of the process.

It is used without the GIL, so that fits in threads draw from one stream. Confirmed by hand: with
a lock around each fit, all results are the same. Report: scikit-learn #8410.
"""

import pytest
from sklearn.datasets import make_classification
from sklearn.svm import LinearSVC


@pytest.fixture(scope="module")
def data():
    return make_classification(2000, 30, n_informative=20, random_state=0, flip_y=0.2)


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("C", [0.5, 1, 2, 4])
def test_coef(C, data):
    return LinearSVC(C=C, dual=True, random_state=0, max_iter=200).fit(*data).coef_
