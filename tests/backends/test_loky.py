"""What joblib is given in the place of its own loky."""

from __future__ import annotations

import pytest

from pytest_parwork.backends.loky import TellingLoky


@pytest.mark.parametrize("method", ["submit", "apply_async"])
def test_nothing_is_submitted_while_the_workers_are_ended(method: str) -> None:
    backend = TellingLoky()
    backend.stop()
    with pytest.raises(RuntimeError, match="its workers are being ended"):
        getattr(backend, method)(print)
