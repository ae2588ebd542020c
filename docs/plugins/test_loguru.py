"""`caplog` with loguru (pytest-loguru).

packages: pytest-loguru
"""

import pytest
from loguru import logger

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, caplog):
    logger.warning(f"case {n}")
    return caplog.messages


@N
def test_fails(n, caplog):
    assert caplog.messages
