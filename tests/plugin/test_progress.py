"""The live line on a real terminal: it comes, goes, and leaves nothing behind."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW = """
import time
import pytest

@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("n", range(6))
def test_slow(n):
    time.sleep(0.7)
    return n

def test_call(parwork):
    print("printed before")
    assert parwork.map(wait, [1, 2, 3, 4], backend="threads", workers=2) == [1, 2, 3, 4]
    print("printed after")
    assert False, "to see the output"

def wait(n):
    time.sleep(0.7)
    return n
"""

#: Seconds for the session.
DEADLINE = 50.0


def on_a_terminal(folder: Path, *options: str) -> str:
    """Run pytest on a terminal of its own, and return what it wrote to it."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        start_new_session=True,
    )
    os.close(terminal)
    written, until = b"", time.monotonic() + DEADLINE
    try:
        while time.monotonic() < until:
            if not select.select([controller], [], [], 1.0)[0]:
                continue
            try:
                written += os.read(controller, 65536)
            except OSError:  # the last process has closed it
                break
        process.wait(timeout=max(1.0, until - time.monotonic()))
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    return written.decode(errors="replace").replace("\r\n", "\n")


def test_a_live_line_comes_and_goes_and_output_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SLOW)
    text = on_a_terminal(tmp_path, "-p", "no:randomly")
    live = re.findall(r"\x1b7 ([^\x1b]*)\x1b\[K\x1b8", text)
    assert any(re.fullmatch(r"parwork threads-2 \[#+-+\] \d/6  2 busy  eta .*s", s) for s in live)
    assert any(re.search(r"\d/4  2 busy", line) for line in live)
    rest = re.sub(r"\x1b7[^\x1b]*\x1b\[K\x1b8|\x1b\[K|\x1b\[[\d;]*m", "", text)
    assert "test_it.py ......F" in rest
    assert "busy" not in rest
    assert "printed before\nprinted after\n" in rest


@pytest.mark.parametrize("option", ["-q", "-s"])
@pytest.mark.sweep
def test_no_live_line_if_it_is_not_wanted(tmp_path: Path, option: str) -> None:
    (tmp_path / "test_it.py").write_text(SLOW.partition("def test_call")[0])
    assert "\x1b7" not in on_a_terminal(tmp_path, option)


@pytest.mark.sweep
def test_the_controller_of_xdist_shows_what_its_processes_run(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    (tmp_path / "test_it.py").write_text(SLOW.partition("def test_call")[0])
    text = on_a_terminal(tmp_path, "-p", "no:randomly", "-n", "1")
    live = re.findall(r"\x1b7 ([^\x1b]*)\x1b\[K\x1b8", text)
    assert any(re.search(r"parwork threads-2 \[#+-+\] \d/6  2 busy", line) for line in live)
    rest = re.sub(r"\x1b7[^\x1b]*\x1b\[K\x1b8|\x1b\[K|\x1b\[[\d;]*m", "", text)
    assert "......" in rest
    assert "busy" not in rest
