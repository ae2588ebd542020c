"""The limit of native threads in this process: only while it is held."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_parwork.machine import limits
from pytest_parwork.machine.limits import THREAD_VARIABLES, Limits


def variables() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in THREAD_VARIABLES}


def native_threads() -> set[int]:
    import threadpoolctl

    return {library["num_threads"] for library in threadpoolctl.threadpool_info()}


def python(code: str) -> str:
    """Run code in a fresh Python and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_the_environment_is_that_of_the_workers_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = variables()
    with Limits(3).hold():
        assert set(variables().values()) == {"3"}
        del os.environ["BLIS_NUM_THREADS"]  # as a case may do
    assert variables() == before
    with suppress(KeyError), Limits(3).hold():
        raise KeyError
    assert variables() == before


def test_libraries_are_limited_and_released_again() -> None:
    import numpy  # noqa: F401, which loads one

    before = native_threads()
    held = Limits(1)
    for _ in range(2):
        with held.hold():
            assert native_threads() == {1}
        assert native_threads() == before


def test_without_a_limit_nothing_changes() -> None:
    before = variables()
    with Limits(None).hold():
        assert variables() == before


def test_a_library_that_is_loaded_inside_is_limited_from_its_start() -> None:
    code = """
from pytest_parwork.machine.limits import Limits
held = Limits(1)
for _ in range(2):
    with held.hold():
        import numpy, threadpoolctl
        print(*[library["num_threads"] for library in threadpoolctl.threadpool_info()])
"""
    assert set(python(code).split()) == {"1"}


@pytest.mark.skipif(sys.platform != "linux", reason="it is seen in a file of Linux")
def test_a_library_without_numpy_is_found_too(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    for file in ("/usr/lib/libgomp.so.1", "/x/libopenblasp-r0.3.so", "/opt/libmkl_rt.so.2"):
        maps.write_text(f"7f00-7f01 r-xp 0000 08:01 17   {file}\n")
        code = f"""
from pathlib import Path
from pytest_parwork.machine import limits
limits.MAPS = Path({str(maps)!r})
print(limits._is_any_loaded())
"""
        assert python(code) == "True"


def test_without_a_loaded_library_threadpoolctl_is_not_loaded() -> None:
    code = """
import sys
from pathlib import Path
from pytest_parwork.machine import limits
def look():
    with limits.Limits(1).hold():
        limits.limit_worker(1)
    print("threadpoolctl" in sys.modules)
look()
limits.MAPS = Path("/nowhere")
look()
"""
    assert python(code).split() == ["False", "False"]


@pytest.mark.skipif(sys.platform != "linux", reason="it is seen in a folder of Linux")
def test_a_library_that_has_the_limit_already_is_not_changed() -> None:
    code = """
import os
import numpy
from pytest_parwork.machine.limits import Limits, limit_worker
with Limits(1).hold():
    pid = os.fork()
    if not pid:
        limit_worker(1)
        print(len(os.listdir("/proc/self/task")), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
"""
    assert python(code) == "1"


def test_the_list_of_loaded_files_exists_on_linux() -> None:
    assert limits.MAPS.exists() == (sys.platform == "linux")
