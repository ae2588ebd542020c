"""`--html`, `extras` (pytest-html).

packages: pytest-html pytest-metadata
options: --html=page.html
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, extras):
    extras.append({"name": "a name", "content": "text"})
    return n


@N
def test_metadata(n, metadata):
    return sorted(metadata)
