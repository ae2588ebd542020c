"""`socket_disabled`, `socket_enabled` (pytest-socket).

packages: pytest-socket
note: it patches the whole process
"""

import socket

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, socket_enabled):
    socket.socket().close()
    return n


@N
def test_fails(n, socket_disabled):
    socket.socket().close()
