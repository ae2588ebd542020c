"""`golden` (pytest-golden).

packages: pytest-golden
files: case.yml=input:_7
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.golden_test("*.yml")
def test_it(golden):
    assert golden["input"]
