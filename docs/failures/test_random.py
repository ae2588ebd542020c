import numpy as np
import pytest

np.random.seed(7)  # once: every process that is forked later starts from this state


def pi(n):
    x, y = np.random.random((2, n))
    return 4 * int(np.count_nonzero(x * x + y * y < 1)) / n


@pytest.mark.parwork(backend="isolated:fork", workers=2)
@pytest.mark.parametrize("n", [1000, 2000, 3000])
def test_pi(n):
    return {"n": n, "pi": pi(n)}
