"""`skip`, `skipif`, `xfail`, also in `pytest.param`."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize(
    "n",
    [
        1,
        pytest.param(2, marks=pytest.mark.skip),
        pytest.param(3, marks=pytest.mark.skipif("True", reason="always")),
        pytest.param(4, marks=pytest.mark.xfail(raises=ZeroDivisionError, strict=True)),
    ],
)
def test_marked(n):
    return 1 / (4 - n)
