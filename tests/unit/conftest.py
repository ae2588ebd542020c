"""What is cheaper for tests that mostly start nothing: one look for leavings per module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.leftovers import leaving_nothing_behind
from support.libraries import OF_LIBRARIES


@pytest.fixture(scope="module", autouse=True)
def _leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    items = [item for item in request.session.items if item.path == request.node.path]
    yield from leaving_nothing_behind(items)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave to `test_libraries.py` what it runs, unless the command line names it."""
    if collection_path not in OF_LIBRARIES:
        return None
    is_named = any(collection_path.name in argument for argument in config.args)
    return None if is_named else True
