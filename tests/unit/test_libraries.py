"""The tests with values of large libraries, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.libraries import OF_LIBRARIES, UNIT

#: So many processes share the files.
PARTS = 3

#: Seconds for each; less than the deadline of a test.
DEADLINE = 55.0


@pytest.mark.parametrize("part", range(PARTS))
def test_values_of_each_library_are_compared_by_contents(part: int) -> None:
    """Run one of these files by naming it: `pytest tests/unit/test_equivalence_polars.py`."""
    files = [str(file.relative_to(UNIT.parents[1])) for file in OF_LIBRARIES[part::PARTS]]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=UNIT.parents[1],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout.splitlines()[-1]
