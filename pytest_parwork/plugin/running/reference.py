"""The reference of a case: the run of its body here, shared by all configurations of the case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from ...verify.legs import SERIAL
from ...verify.reference import Called, References, call
from ..cases.groups import Case
from ..session.termination import ENDING


class CaseReferences:
    """Runs bodies serially; `uses` counts by key the configurations that are still to come."""

    def __init__(self, uses: Counter[object]) -> None:
        self._uses = uses
        self._kept = References()

    def of(self, case: Case, body: Callable[[], object], *, is_taken: bool) -> Called:
        """Run the body, or reuse the result of an earlier configuration for the same values.

        `is_taken` says that a plugin takes the value.
        """
        seconds = case.judged.setup_seconds
        # With function-scoped fixtures, each configuration must tear down what its own body used;
        # and a plugin that takes the value may change it.
        if not self._uses or case.fixtures is not None or is_taken:
            found, error = _run(case, body)
        else:
            found, error = self._shared(case, body)
        if seconds and found.started is not None:
            # The seconds of the parallel run include its fixtures too.
            found = replace(found, started=found.started - seconds)
        return found, error

    def _shared(self, case: Case, body: Callable[[], object]) -> Called:
        assert case.sent.run is not None
        key, made_of = case.key, tuple(case.sent.run.wide.values())
        found = self._kept.get(key, made_of)
        if found is None:
            found = _run(case, body)
        self._uses[key] -= 1
        if self._uses[key] > 0:
            self._kept.keep(key, *found, made_of)
        else:
            del self._uses[key]
            self._kept.drop(key)
        return found


def _run(case: Case, body: Callable[[], object]) -> Called:
    return call(body, run=SERIAL.run, timeout=case.plan.timeout, passing=ENDING)
