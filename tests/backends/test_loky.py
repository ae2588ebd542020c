"""The backend that joblib gets instead of its own loky."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import wait
from typing import Any

import parwork_faults as faults
import pytest
from joblib.parallel import LokyBackend
from support.carrier import Carrier, calls

from pytest_parwork.backends import Backend
from pytest_parwork.backends.joblib.loky import ReportingLoky

#: The methods by which joblib submits a call: up to 1.4 the second one alone.
METHODS = [each for each in ("submit", "apply_async") if hasattr(LokyBackend, each)]


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_submitted_while_the_workers_are_ended(method: str) -> None:
    backend = ReportingLoky()
    backend.stop()
    with pytest.raises(RuntimeError, match="its workers are being ended"):
        getattr(backend, method)(print)


@pytest.mark.usefixtures("keeps_helpers")
def test_calls_that_end_while_they_are_submitted_have_the_next_ones_submitted(
    backends: Mapping[str, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit_slowly(self: Any, func: Any, callback: Any = None) -> Any:
        future = self._workers.submit(func)
        wait([future], 10)
        future.add_done_callback(callback)
        return future

    monkeypatch.setattr(LokyBackend, METHODS[0], submit_slowly)
    carrier = Carrier("joblib", backends["joblib"])
    run = carrier(calls(faults.innocent, *((x,) for x in range(12))))
    values = list(run)
    carrier.close()
    assert values == [x * x for x in range(12)]
