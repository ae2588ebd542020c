"""However pytest ends, its workers and all processes that they started end too."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from .scratch import Apart, Scratch, slow, until

#: Each task starts a program that would outlive it; two of them never end.
BUSY = """
    import subprocess

    STARTED = []  # a Popen deleted while its process runs warns, in one leg only

    @pytest.mark.parwork(backend="{backend}", workers=2, chunksize=1)
    @pytest.mark.parametrize("n", range(4))
    def test_it(n):
        if not is_here():
            STARTED.append(subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL))
            if n < 2:
                note(n)
                time.sleep(1000)
        return n
    """

#: All ends in the parallel run; the serial one never does.
IDLE = """
    @pytest.mark.parwork(backend="joblib", workers=2)
    @pytest.mark.parametrize("n", range(4))
    def test_it(n):
        if is_here():
            note(n)
            time.sleep(1000)
        return n
    """

PROCESSES = [
    "processes:fork",
    "processes:spawn",
    slow("processes:forkserver"),
    "multiprocessing:fork",
    slow("multiprocessing:spawn"),
    "isolated:fork",
    "joblib",
    "dask",
    slow("joblib:multiprocessing"),
]


def programs(apart: Apart) -> list[int]:
    """Return the programs that tasks have started and that are there."""
    return [pid for pid in apart.members() if name(pid) == "sleep"]


def name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def nothing_is_left(apart: Apart) -> None:
    def left() -> list[int]:
        return [*apart.members(), *apart.watching()]

    if not until(lambda: not left(), deadline=30):
        told = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left()}
        apart.kill()
        pytest.fail(f"left behind: {told}")
    assert apart.shared() == []


@pytest.mark.parametrize("backend", PROCESSES)
def test_nothing_outlives_pytest_that_is_killed_while_workers_are_busy(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(BUSY.format(backend=backend))
    apart = scratch.start()
    apart.wait_for("0 there", "1 there")
    assert programs(apart)
    assert len(apart.watching()) == 1
    apart.send(signal.SIGKILL)
    assert apart.finish().code == -signal.SIGKILL
    nothing_is_left(apart)


#: Workers that stop as soon as Python starts in them, long before they could say who they are.
STARTING = """
    import os, sys, time

    if {"--multiprocessing-fork", "--process-name"} & set(sys.orig_argv):
        open(os.path.join(os.path.dirname(__file__), "noted.txt"), "a").write("starting there\\n")
        time.sleep(1000)
    """

#: The same of those that are forked.
FORKED = """
    import os
    from noting import note

    def stop():
        import time
        note("starting")
        time.sleep(1000)

    os.register_at_fork(after_in_child=stop)
    """

TRIVIAL = """
    @pytest.mark.parwork(backend="{backend}", workers=2)
    @pytest.mark.parametrize("n", range(4))
    def test_it(n):
        return n
    """


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGHUP])
@pytest.mark.parametrize("is_group", [False, True])
@pytest.mark.parametrize(
    "backend",
    [
        "processes:spawn",
        "joblib",
        slow("multiprocessing:spawn"),
        "isolated:spawn",
        "processes:fork",
        "dask",
    ],
)
def test_nothing_outlives_pytest_that_is_killed_while_workers_start(
    scratch: Scratch,
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
    is_group: bool,
    signum: signal.Signals,
) -> None:
    is_forked = backend.endswith("fork")
    scratch.write(
        "conftest.py" if is_forked else "sitecustomize.py", FORKED if is_forked else STARTING
    )
    scratch.cases(TRIVIAL.format(backend=backend))
    scratch.write("tmp/.keep")
    monkeypatch.setenv("TMPDIR", str(scratch.path / "tmp"))
    monkeypatch.setenv("PYTHONPATH", str(scratch.path), prepend=os.pathsep)
    apart = scratch.start()
    apart.wait_for("starting there")
    token = apart.token()
    if is_group:  # with the trackers of semaphores
        os.killpg(apart.pid, signum)
    else:
        apart.send(signum)
    assert apart.finish().code == -signum
    nothing_is_left(apart)
    assert not [name for name in os.listdir("/dev/shm") if token in name]
    assert os.listdir(scratch.path / "tmp") == [".keep"]


@pytest.mark.parametrize("backend", ["processes:spawn", "processes:fork", slow("joblib")])
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_process_that_a_case_started_in_its_own_session_ends_too(
    scratch: Scratch, backend: str, is_killed: bool
) -> None:
    scratch.cases(
        f"""
        import subprocess

        def start(**settings):
            program = ["sleep", "1000"]
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            note(subprocess.Popen(program, start_new_session=True, **pipes, **settings).pid)

        def fork():
            if not os.fork():
                os.setsid()
                os.closerange(0, 100)
                time.sleep(1000)

        @pytest.mark.parwork(backend="{backend}", workers=2, chunksize=1)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            if not is_here():
                start(env={{**os.environ, "OTHER": "1"}}) if n and {is_killed} else start()
                fork()
            elif {is_killed}:
                note("comparing")
                time.sleep(1000)
            return n
        """
    )
    apart = scratch.start()
    if is_killed:
        apart.wait_for("comparing here")
        apart.send(signal.SIGKILL)
    apart.finish()
    started = [int(line.partition(" ")[0]) for line in scratch.notes() if line[0].isdigit()]
    assert len(started) == 2
    assert until(lambda: not [pid for pid in started if name(pid) == "sleep"], deadline=30)
    assert until(lambda: not apart.elsewhere(), deadline=30)


def test_so_do_workers_of_code_that_is_parallel_itself(scratch: Scratch) -> None:
    """Those of the serial run are in the hands of pytest's own process, with all that they hold."""
    scratch.cases(
        """
        import joblib

        def inside(n):
            note("inside")
            time.sleep(1000)

        @pytest.mark.parwork(backend="processes:spawn", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            if is_here():
                joblib.Parallel(2)(joblib.delayed(inside)(n) for n in range(2))
            return n
        """
    )
    apart = scratch.start()
    apart.wait_for("inside there")
    apart.send(signal.SIGKILL)
    apart.finish()
    nothing_is_left(apart)


def test_a_temporary_folder_of_a_case_does_not_outlive_pytest(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder:  # the name of a socket may not be long
        monkeypatch.setenv("TMPDIR", folder)
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:forkserver", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, tmp_path):
                if not is_here():
                    (tmp_path / "file").touch()
                    note(n)
                    time.sleep(1000)
            """
        )
        apart = scratch.start("--basetemp", str(scratch.path / "base"))
        apart.wait_for("0 there", "1 there")
        assert os.listdir(folder)
        apart.send(signal.SIGKILL)
        apart.finish()
        nothing_is_left(apart)
        assert until(lambda: os.listdir(folder) == [], deadline=30)


@pytest.mark.parametrize("backend", ["processes:forkserver", "joblib"])
def test_nothing_outlives_pytest_that_is_killed_as_it_exits(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """What libraries remove as Python exits is still there when the session is over."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        scratch.cases(
            f"""
            import atexit, signal
            from multiprocessing import util

            def die():
                note("exiting")
                os.kill(os.getpid(), signal.SIGKILL)

            @pytest.fixture(scope="session")
            def dying():
                util.Finalize(None, die, exitpriority=-50)

            @pytest.mark.parwork(backend="{backend}", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, dying):
                return n
            """
        )
        apart = scratch.start()
        session = apart.finish()
        assert session.counts == {"passed": 2}
        assert session.code == -signal.SIGKILL
        nothing_is_left(apart)
        assert until(lambda: os.listdir(folder) == [], deadline=30)


def test_nothing_outlives_pytest_that_is_killed_while_workers_are_idle(scratch: Scratch) -> None:
    scratch.cases(IDLE)
    apart = scratch.start()
    apart.wait_for("0 here")
    assert len(apart.members()) > 1
    apart.send(signal.SIGKILL)
    apart.finish()
    nothing_is_left(apart)


@pytest.mark.parametrize("backend", ["processes:fork", "multiprocessing:fork", "joblib"])
def test_a_process_that_a_task_started_ends_with_the_session(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        BUSY.format(backend=backend).replace("time.sleep(1000)", "pass")
        + """
    def test_last():
        note("last")
        while not os.path.exists("seen"):
            time.sleep(0.01)
    """
    )
    apart = scratch.start()
    apart.wait_for("last here")
    assert len(programs(apart)) <= 4
    scratch.write("seen")
    assert apart.finish().counts == {"passed": 5}
    nothing_is_left(apart)


def test_a_pool_that_a_task_has_left_ends_with_the_session(scratch: Scratch) -> None:
    scratch.cases(
        """
        from concurrent.futures import ProcessPoolExecutor

        left = []

        @pytest.mark.parwork(backend="joblib", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            if not is_here():
                left.append(ProcessPoolExecutor(2))
                left[-1].submit(time.sleep, 1000)
                left[-1].submit(note, "inner")
            return n
        """
    )
    apart = scratch.start()
    assert apart.finish().counts == {"passed": 2}
    nothing_is_left(apart)


def test_a_session_without_workers_has_no_process_that_watches(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            note("begun")
            while not os.path.exists("seen"):
                time.sleep(0.01)
        """
    )
    apart = scratch.start()
    apart.wait_for("begun there")
    assert apart.watching() == []
    assert apart.members() == [apart.pid]
    scratch.write("seen")
    assert apart.finish().counts == {"passed": 2}


@pytest.mark.parametrize("backend", ["multiprocessing:fork", "processes:fork", "joblib"])
def test_workers_that_are_killed_at_any_time_lose_only_their_current_cases(
    scratch: Scratch, backend: str
) -> None:
    # Tasks that take no time: most die while they wait for one, perhaps with the queue's lock.
    scratch.cases(
        f"""
        from contextlib import suppress
        from pathlib import Path

        @pytest.mark.parwork(backend="{backend}", workers=2, chunksize=1)
        @pytest.mark.parametrize("n", range(40))
        def test_it(n):
            if not is_here():
                Path(f"pid-{{os.getpid()}}").touch()
                if n % 10 == 5:
                    for file in Path(".").glob("pid-*"):
                        if (pid := int(file.name[4:])) != os.getpid():
                            file.unlink(missing_ok=True)
                            with suppress(ProcessLookupError):
                                os.kill(pid, 9)
            return n
        """
    )
    apart = scratch.start(report=True)
    session = apart.finish()
    nothing_is_left(apart)
    cases = session.run("test_it.py::test_it")["cases"]
    assert len(cases) == 40
    lost = [case["lost"] for case in cases if case["verdict"] == "LOST"]
    assert {case["verdict"] for case in cases} <= {"EQUAL", "LOST"}
    assert {one["reason"] for one in lost} <= {"crash"}
    assert len(lost) <= 8


def in_small_memory(size: str, *before: str) -> list[str]:
    """Return the command that begins a session with so much memory to share."""
    script = f"mount -t tmpfs -o size={size} tmpfs /dev/shm && {' && '.join((*before, 'exec'))}"
    return ["unshare", "-m", "sh", "-c", f'{script} "$@"', "sh"]


def reason_not_to_start(cases: Sequence[Mapping[str, Any]]) -> str:
    """Return the one reason for which a backend could not start for any of these cases."""
    assert {(case["verdict"], case["not_sent"]["reason"]) for case in cases} == {
        ("NOT_SENT", "backend")
    }
    (detail,) = {case["not_sent"]["detail"] for case in cases}
    return str(detail)


def mounts() -> bool:
    return os.system("unshare -m mount -t tmpfs -o size=1m tmpfs /dev/shm 2>/dev/null") == 0


@pytest.mark.parametrize("backend", ["processes:fork", "multiprocessing:spawn", "joblib"])
class TestSharedMemory:
    CASES = """
    @pytest.mark.parwork(backend="{backend}", workers=2, chunksize=1)
    @pytest.mark.parametrize("n", range(2))
    def test_it(n):
        return bytes([n]) * {size}
    """

    @pytest.fixture(autouse=True)
    def _needs_mounts(self) -> None:
        if not mounts():
            pytest.skip("this system allows no mounts of its own (unshare -m)")

    def test_as_little_as_containers_have_is_enough(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(self.CASES.format(backend=backend, size=80_000_000))
        apart = scratch.start(command=in_small_memory("64m"))
        assert apart.finish().counts == {"passed": 2}

    def test_where_there_is_none_it_works_or_one_reason_is_reported(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(self.CASES.format(backend=backend, size=10))
        fill = "(cat /dev/zero > /dev/shm/full 2>/dev/null || true)"
        apart = scratch.start(command=in_small_memory("1m", fill), report=True)
        session = apart.finish()
        if session.counts != {"passed": 2}:
            assert session.counts == {"failed": 2}
            cases = session.run("test_it.py::test_it")["cases"]
            detail = reason_not_to_start(cases)
            assert "No space left" in detail
            assert "/dev/shm, where multiprocessing has its locks, is full" in detail

    def test_where_it_is_read_only_that_is_the_reason(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(self.CASES.format(backend=backend, size=10))
        apart = scratch.start(command=in_small_memory("1m,ro"), report=True)
        cases = apart.finish().run("test_it.py::test_it")["cases"]
        assert reason_not_to_start(cases).endswith(
            "Read-only file system. /dev/shm, where multiprocessing has its locks, is read-only: "
            "make it writable, or use the backend isolated or threads, which need none"
        )


@pytest.mark.parametrize("backend", ["processes:fork", "multiprocessing:spawn", "joblib"])
def test_without_a_file_descriptor_left_all_cases_say_so(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        import resource

        @pytest.fixture(scope="class")
        def few():
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            used = max(map(int, os.listdir("/proc/self/fd")))
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, hard))
            yield
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        class TestFew:
            @pytest.mark.parwork(backend="{backend}", workers=2)
            @pytest.mark.parametrize("n", range(3))
            def test_it(self, n, few):
                return n

        def test_other():
            open(__file__).close()
        """
    )
    apart = scratch.start(report=True)
    session = apart.finish()
    nothing_is_left(apart)
    assert session.counts == {"failed": 3, "passed": 1}
    detail = reason_not_to_start(session.run("test_it.py::TestFew::test_it")["cases"])
    assert f"the backend '{backend}' cannot start" in detail
    assert "Too many open files" in detail
