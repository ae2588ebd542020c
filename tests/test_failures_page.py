"""The page of typical failures shows what the code prints now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "failures.md").read_text(encoding="utf-8")

#: Seconds to make the page; less than the deadline of a test.
DEADLINE = 50.0


def test_the_page_is_what_is_printed_now(tmp_path: Path) -> None:
    made = tmp_path / "failures.md"
    done = subprocess.run(
        [sys.executable, str(DOCS / "make_failures.py"), str(made)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.read_text(encoding="utf-8").splitlines() == PAGE.splitlines(), (
        "run `python docs/make_failures.py`, and look at what has changed"
    )


def test_every_test_of_the_folder_is_on_the_page() -> None:
    for file in (DOCS / "failures").glob("test_*.py"):
        assert f"# {file.name}\n{file.read_text(encoding='utf-8')}" in PAGE
