"""`fp` (pytest-subprocess).

packages: pytest-subprocess
note: it patches the whole process
"""

import subprocess

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, fp):
    fp.register(["program"], stdout=str(n))
    return subprocess.check_output(["program"])


@N
def test_fails(n, fp):
    subprocess.check_output(["program"])
