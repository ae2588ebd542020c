"""`tmp_path` with `tmp_path_retention_policy=failed` (pytest).

options: -o tmp_path_retention_policy=failed
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, tmp_path):
    (tmp_path / "x").write_text("1")
    return n


@N
def test_fails(n, tmp_path):
    assert not tmp_path.exists()
