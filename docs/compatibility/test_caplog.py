"""`caplog`."""

import logging

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("n", range(3))
def test_logged(n, caplog):
    logging.getLogger("compatibility").warning("logged %d", n)
    return caplog.messages
