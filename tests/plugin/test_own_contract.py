"""The contract for authors of backends finds what is wrong with one of theirs."""

from __future__ import annotations

import pytest

from .scratch import Scratch

BROKEN = """
    import threading
    from pytest_parwork import testing
    from pytest_parwork.backends import PerRun, bundled
    from pytest_parwork.testing import BackendContract

    testing.ENDING = 0.5
    OURS = bundled()

    class Broken:
        '''The workers of another backend, but for what is overridden.'''

        def __init__(self, size, name="threads"):
            self.workers = OURS[name].start(size)

        def __getattr__(self, name):
            return getattr(self.workers, name)

    class Losing(Broken):
        def submit(self, call, batches):
            self.workers.submit(call, [batch for batch in batches if batch.number != 3])

    class Lingering(Broken):
        def close(self, deadline):
            threading.Timer(3, print).start()
            return self.workers.close(deadline)

    class TestIt(BackendContract):
        patience = 3.0
        backend = {backend}
    """


@pytest.mark.parametrize(
    ("backend", "test", "words"),
    [
        (
            "PerRun(Losing, reach='process')",
            "test_more_batches_than_workers_are_all_run",
            "the run has not ended within patience=3 s: some batches were submitted, and neither",
        ),
        (
            "PerRun(Lingering, reach='process')",
            "test_close_ends_all_workers_and_it_starts_again",
            "assert left() == []",
        ),
        (
            "PerRun(OURS['threads'].start, reach='process', place='caller')",
            "test_its_place_is_true",
            "AssertionError",
        ),
        (
            "PerRun(OURS['threads'].start, reach='machine')",
            "test_a_crash_loses_its_own_task_only",
            "it runs tasks in the process of pytest, not in workers",
        ),
        ("OURS", "test_an_exception_comes_back", "fixture 'backend' not found"),
    ],
)
def test_a_broken_backend_fails(scratch: Scratch, backend: str, test: str, words: str) -> None:
    scratch.write("test_it.py", BROKEN.replace("{backend}", backend))
    session = scratch.run_apart(f"test_it.py::TestIt::{test}")
    assert session.counts in ({"failed": 1}, {"errors": 1})
    assert words in session.text
