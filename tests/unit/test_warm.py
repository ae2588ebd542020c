"""Sessions that are forked are as those of a shell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.warm import ALONE, Forked, Warm

SCRIPT = """
import json, os, signal, sys
print(json.dumps({expression}))
{ending}
"""


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    warm = Warm()
    yield warm
    warm.close()


def environment(**more: str) -> dict[str, str]:
    hidden = ("PYTHON", "COVERAGE_")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(hidden)}
    return {**kept, ALONE: "1", **more}


def forked(
    warm: Warm, folder: Path, expression: str, ending: str = "", *arguments: str, **more: str
) -> Forked:
    script = folder / "script"
    script.write_text(SCRIPT.format(expression=expression, ending=ending), encoding="utf-8")
    assert warm.fits(environment())
    return warm.fork(str(script), arguments, str(folder), environment(**more))


@pytest.mark.parametrize(
    "expression",
    [
        "[sys.argv[1:], os.getcwd(), __name__, __file__]",
        "sorted(os.environ.items())",
        "sys.path",
        "[os.getsid(0) == os.getpgid(0) == os.getpid()]",
        "sorted(os.listdir('/proc/self/fd'))",
        "[os.read(0, 10).decode(), sys.stdin.isatty(), sys.stdout.isatty()]",
        "[str(signal.getsignal(number)) for number in (2, 15)]",
        "[__import__('threading').active_count()]",
    ],
    ids=["call", "environment", "path", "group", "descriptors", "input", "signals", "threads"],
)
def test_a_forked_process_finds_what_any_other_finds(
    warm: Warm, tmp_path: Path, expression: str
) -> None:
    process = forked(warm, tmp_path, expression, "", "one", "two words", ADDED="yes")
    found, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    cold = subprocess.run(
        [sys.executable, str(tmp_path / "script"), "one", "two words"],
        cwd=tmp_path,
        env=environment(ADDED="yes"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=30,
    )
    assert found.replace("<stdin>", "") == cold.stdout


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("sys.exit(3)", 3),
        ("os._exit(4)", 4),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("raise ValueError", 1),
    ],
)
def test_its_end_is_known(warm: Warm, tmp_path: Path, ending: str, code: int) -> None:
    process = forked(warm, tmp_path, "1", ending)
    process.communicate(timeout=30)
    assert process.poll() == process.returncode == code


def test_it_waits_for_threads_runs_exit_handlers_and_writes_all_that_was_printed(
    warm: Warm, tmp_path: Path
) -> None:
    ending = """
import atexit, threading, time
def last():
    time.sleep(0.1)
    print("thread")
atexit.register(print, "handler")
threading.Thread(target=last).start()
sys.stderr.write("no newline")
sys.exit(3)
"""
    process = forked(warm, tmp_path, "1", ending)
    assert process.communicate(timeout=30) == ("1\nthread\nhandler\n", "no newline")
    assert process.returncode == 3


def test_it_is_waited_for_no_longer_than_asked(warm: Warm, tmp_path: Path) -> None:
    process = forked(warm, tmp_path, "1", "__import__('time').sleep(100)")
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)


def test_it_ends_with_the_process_that_has_forked_it(tmp_path: Path) -> None:
    warm = Warm()
    process = forked(warm, tmp_path, "1", "__import__('time').sleep(100)")
    warm.close()
    until = time.monotonic() + 30
    while Path(f"/proc/{process.pid}").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    with pytest.raises(AssertionError, match="the process that forks sessions has ended"):
        process.communicate(timeout=30)


def test_what_is_read_when_python_starts_makes_a_cold_one(warm: Warm) -> None:
    assert warm.fits(environment())
    assert not warm.fits(environment(PYTHONHASHSEED="1"))
    assert not warm.fits(environment(COVERAGE_PROCESS_CONFIG="{}"))
    assert not warm.fits({name: text for name, text in environment().items() if name != ALONE})


def test_a_module_finds_what_it_finds_with_m(warm: Warm, tmp_path: Path) -> None:
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "__main__.py").write_text(
        "import json, sys, __main__, multiprocessing.process as process, tempfile\n"
        "found = [sys.argv, sys.orig_argv[1:], sys.path, __name__, __file__, __package__]\n"
        "found += [__main__.__spec__.name, process.ORIGINAL_DIR, tempfile.gettempdir()]\n"
        "print(json.dumps(found))\n",
        encoding="utf-8",
    )
    here = environment(TMPDIR=str(tmp_path))
    assert warm.fits(environment())
    found, err = warm.fork("-m", ["asked", "one"], str(tmp_path), here).communicate(timeout=30)
    assert err == ""
    cold = subprocess.run(
        [sys.executable, "-m", "asked", "one"],
        cwd=tmp_path,
        env=here,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert found == cold.stdout


def test_it_has_imported_the_libraries_that_it_was_asked_for_and_no_others(tmp_path: Path) -> None:
    warm = Warm(libraries=["numpy"], modules=["attack.signals"])
    names = "[name in sys.modules for name in ('numpy', 'attack.signals', 'joblib', 'distributed')]"
    try:
        found, _ = forked(warm, tmp_path, names).communicate(timeout=30)
    finally:
        warm.close()
    assert found == "[true, true, false, false]\n"
