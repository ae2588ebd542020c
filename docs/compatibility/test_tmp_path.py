"""`tmp_path`."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("n", range(3))
def test_file(n, tmp_path):
    (tmp_path / "file.txt").write_text(str(n))
    return [path.name for path in tmp_path.iterdir()], (tmp_path / "file.txt").read_text()
