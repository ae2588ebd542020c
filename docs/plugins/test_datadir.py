"""`datadir`, `shared_datadir`, `lazy_datadir` (pytest-datadir).

packages: pytest-datadir
files: test_datadir/x.txt data/y.txt
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, datadir, shared_datadir, lazy_datadir):
    names = [sorted(path.name for path in folder.iterdir()) for folder in (datadir, shared_datadir)]
    return names, (lazy_datadir / "x.txt").read_text()
