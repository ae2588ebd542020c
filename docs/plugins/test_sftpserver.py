"""`sftpserver` (pytest-sftpserver).

packages: pytest-sftpserver
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, sftpserver):
    with sftpserver.serve_content({"a": {"b": str(n)}}):
        return sorted(sftpserver.content_provider.list("/a"))


@N
def test_fails(n, sftpserver):
    with sftpserver.serve_content({"a": str(n)}):
        assert n == 7
