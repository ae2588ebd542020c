from collections import deque

import pytest

servers = deque(["alpha", "beta", "gamma"])


@pytest.mark.parwork(backend="isolated:fork", workers=2)
@pytest.mark.parametrize("request_id", [1, 2])
def test_rotation(request_id):
    servers.rotate()
    return {"request": request_id, "servers": list(servers)}
