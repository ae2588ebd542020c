"""`datafiles` (pytest-datafiles).

packages: pytest-datafiles
files: data.txt
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.datafiles("data.txt")
@N
def test_it(n, datafiles):
    (datafiles / "data.txt").write_text(str(n))
    return sorted(path.name for path in datafiles.iterdir())


@pytest.mark.datafiles("data.txt")
@N
def test_fails(n, datafiles):
    assert (datafiles / "data.txt").read_text() == n
