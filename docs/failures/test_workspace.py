import numpy as np
import pytest

workspace = np.zeros(12)  # kept from call to call, and never cleared


@pytest.mark.parwork(backend="isolated:fork", workers=2)
@pytest.mark.parametrize("size", [8, 4])
def test_squares(size):
    workspace[:size] += np.arange(size) ** 2
    return {"size": size, "squares": workspace.copy()}
