"""`host` (pytest-testinfra).

packages: pytest-testinfra
options: --hosts=local://
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, host):
    return host.file("/").is_directory, host.run(f"echo {n}").stdout


@N
def test_fails(n, host):
    assert host.run("true").rc == 7
