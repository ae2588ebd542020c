"""A call that comes from elsewhere, carried out in this process as in one that serves others."""

from __future__ import annotations

import ctypes
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import parwork_tasks as tasks
import pytest

from pytest_parwork.model.work import Batch, Task
from pytest_parwork.transport.files import Files
from pytest_parwork.transport.modules import Sources
from pytest_parwork.transport.payload import Header, Payload
from pytest_parwork.worker.network import Body, NetworkCall
from pytest_parwork.worker.sites import Site, forget

#: Some other process: what it sends is a stranger's here.
ELSEWHERE = ("another machine", 1)

#: The library of GCC's OpenMP.
OPENMP = "libgomp.so.1"

Send = Callable[..., NetworkCall]


@pytest.fixture
def send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Send]:
    """Give a function that returns a call as it arrives, to square numbers up to `count`."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = (list(sys.path), list(sys.meta_path))

    def send(
        run: str,
        *,
        count: int = 3,
        home: tuple[str, int] = ELSEWHERE,
        function: Callable[..., object] = tasks.square,
        args: tuple[object, ...] | None = None,
        threads: int | None = None,
    ) -> NetworkCall:
        files = Files()
        payload = Payload.write(
            [Task(id=str(x), function=function, args=args or (x,)) for x in range(count)], files
        )
        content = Path(payload.path).read_bytes()
        files.close()
        header = Header(
            rewritten={},
            contents=payload.contents,
            modules={},
            path=tuple(sys.path),
            threads=threads,
            patience=0.1,
        )
        arrived = pickle.loads(
            pickle.dumps(NetworkCall(run, pickle.dumps(header), content, Sources(), home=home))
        )
        assert isinstance(arrived, NetworkCall)
        return arrived

    yield send
    with Site.changing:  # or one may be in the middle of being forgotten
        for run in list(Site.sites):
            forget(run)
    assert (list(sys.path), list(sys.meta_path)) == before
    assert list(tmp_path.iterdir()) == []


def read(data: bytes) -> Body:
    body = pickle.loads(data)
    assert isinstance(body, Body)
    return body


def test_outcomes_come_back_with_their_worker_and_times(send: Send) -> None:
    body = read(send("run")(Batch(number=1, tasks=(2, 0)), place="host:1"))
    assert [(entry.task, pickle.loads(entry.data)) for entry in body.entries] == [(2, 4), (0, 0)]
    for entry in body.entries:
        assert (entry.kind, entry.worker) == ("value", "host:1#0")
        assert 0 < entry.arrived <= entry.started <= entry.ended <= body.sent


def test_a_worker_says_once_that_it_has_come(send: Send) -> None:
    call, said = send("run"), list[str]()
    for number in (1, 2):
        call(Batch(number=number, tasks=(0,)), place="w", announce=said.append)
    assert said == ["w#0"]


def test_the_next_run_of_the_same_process_takes_the_place_of_the_one_before(send: Send) -> None:
    for run in ("first", "second"):
        send(run)(Batch(number=1, tasks=(0,)))
    assert list(Site.sites) == ["second"]
    send("of another", home=("another machine", 2))(Batch(number=1, tasks=(0,)))
    assert list(Site.sites) == ["second", "of another"]


def test_a_thread_of_somebody_else_gets_its_openmp_limit_back_after_each_batch(send: Send) -> None:
    try:
        library = ctypes.CDLL(OPENMP)
    except OSError:
        pytest.skip(f"there is no {OPENMP}")
    call = send("run", function=tasks.gomp_threads, args=(OPENMP,), threads=1)
    call(Batch(number=1, tasks=(0,)))  # attaches, in another thread than the one to be looked at

    def work() -> tuple[object, int]:
        library.omp_set_num_threads(3)  # the limit of OpenMP is each thread's own
        (entry,) = read(call(Batch(number=2, tasks=(1,)))).entries
        return pickle.loads(entry.data), library.omp_get_max_threads()

    with ThreadPoolExecutor(1) as others:
        assert others.submit(work).result(timeout=40) == (1, 3)
