import pytest


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("n", [3, 4])
def test_lazy(n):
    return (i * i for i in range(n))
