"""`base_url` (pytest-base-url).

packages: pytest-base-url
options: --base-url=https://t.example
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, base_url):
    return base_url
