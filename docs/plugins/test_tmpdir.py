"""`tmpdir` (pytest)."""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, tmpdir):
    tmpdir.join("x").write(n)
    return [path.basename for path in tmpdir.listdir()]
