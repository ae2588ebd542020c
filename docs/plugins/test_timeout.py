"""`timeout` (pytest-timeout).

packages: pytest-timeout
options: --timeout=60
note: with `--timeout-method=thread`, a serial run over its limit ends the session, as without parwork
"""

import time

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    return n


@pytest.mark.timeout(1)
@N
def test_fails(n):
    time.sleep(5)
    return n
