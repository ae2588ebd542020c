"""`log` (pytest-structlog).

packages: pytest-structlog
"""

import pytest
import structlog

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, log):
    structlog.get_logger().info("case", n=n)
    return log.events


@N
def test_fails(n, log):
    assert log.has("other")
