"""`capsys`."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("n", range(3))
def test_printed(n, capsys):
    print("printed", n)
    return capsys.readouterr().out
