"""`disable_socket` (pytest-socket).

packages: pytest-socket
"""

import socket

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.disable_socket
@N
def test_fails(n):
    socket.socket().close()
    return n


@pytest.mark.disable_socket
@N
def test_it(n):
    return n
