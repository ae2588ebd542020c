"""One `multiprocessing.Process` per task, forked and spawned: none finds what another has left."""

import pytest


@pytest.mark.parwork(backend=["isolated:fork", "isolated:spawn"], workers=2)
@pytest.mark.parametrize("n", [2**61 - 1, 2**61 + 1, 2**67 - 1])
def test_smallest_factor(n: int) -> int:
    return next((divisor for divisor in range(2, 100_000) if not n % divisor), n)
