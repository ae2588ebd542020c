"""Whatever ends pytest, and however: its workers and all that they have started end too."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from .scratch import Apart, Scratch, slow, until

#: Each task starts a program that would outlive it; two of them never end.
BUSY = """
    import subprocess

    @pytest.mark.parwork(backend="{backend}", workers=2, chunksize=1)
    @pytest.mark.parametrize("n", range(4))
    def test_it(n):
        if not is_here():
            subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL)
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

    if not until(lambda: not left(), deadline=10):
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


def test_nothing_outlives_pytest_that_is_killed_while_workers_are_idle(scratch: Scratch) -> None:
    scratch.cases(IDLE)
    apart = scratch.start()
    apart.wait_for("0 here")
    assert len(apart.members()) > 1
    apart.send(signal.SIGKILL)
    apart.finish()
    nothing_is_left(apart)


@pytest.mark.parametrize("backend", ["processes:fork", "multiprocessing:fork", "joblib"])
def test_what_a_task_has_started_ends_with_the_session(scratch: Scratch, backend: str) -> None:
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
def test_workers_that_are_killed_at_any_time_cost_what_they_have_in_hand(
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
        scratch.cases(self.CASES.format(backend=backend, size=200_000_000))
        apart = scratch.start(command=in_small_memory("64m"))
        assert apart.finish().counts == {"passed": 2}

    def test_where_there_is_none_it_works_or_one_reason_is_told(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(self.CASES.format(backend=backend, size=10))
        fill = "(cat /dev/zero > /dev/shm/full 2>/dev/null || true)"
        apart = scratch.start(command=in_small_memory("1m", fill), report=True)
        session = apart.finish()
        if session.counts != {"passed": 2}:
            assert session.counts == {"failed": 2}
            cases = session.run("test_it.py::test_it")["cases"]
            assert len({case["lost"]["detail"] for case in cases}) == 1
            assert "No space left" in cases[0]["lost"]["detail"]
            assert "/dev/shm, where multiprocessing has its locks, is full" in str(cases[0])


@pytest.mark.parametrize("backend", ["processes:fork", "multiprocessing:spawn", "joblib"])
def test_without_a_file_descriptor_left_all_cases_tell_so(scratch: Scratch, backend: str) -> None:
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
    told = [case["lost"] for case in session.run("test_it.py::TestFew::test_it")["cases"]]
    assert {lost["reason"] for lost in told} == {"backend"}
    assert len({lost["detail"] for lost in told}) == 1
    assert f"BackendError: the backend '{backend}' cannot start" in told[0]["detail"]
    assert "Too many open files" in told[0]["detail"]
