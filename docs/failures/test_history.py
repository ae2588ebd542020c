import math

import pytest

seen = []


@pytest.mark.parwork(backend="isolated:fork", workers=2)
@pytest.mark.parametrize("value", [1.0, 3.0])
def test_history(value):
    mean = sum(seen) / len(seen) if seen else math.nan
    seen.append(value)
    return {"value": value, "mean of earlier ones": mean}
