"""`pytestconfig`, `tmpdir`, and fixtures that ask for them."""

import pytest


@pytest.fixture
def around(pytestconfig):
    return pytestconfig.getoption("importmode")


@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize("n", range(3))
def test_it(n, around, tmpdir):
    tmpdir.join("file").write(n)
    return around, tmpdir.join("file").read()
