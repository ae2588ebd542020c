"""What is cheaper for tests that mostly start nothing: one look for leavings per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.leftovers import leaving_nothing_behind


@pytest.fixture(scope="module", autouse=True)
def _leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    items = [item for item in request.session.items if item.path == request.node.path]
    yield from leaving_nothing_behind(items)
