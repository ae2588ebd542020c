"""The local cluster of the backend `dask`: what it leaves alone, and what it leaves behind."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dask
import distributed
import parwork_tasks as tasks
import pytest
from carrier import Carrier, Counting, calls

from pytest_parwork.backends import bundled, dask_logs
from pytest_parwork.errors import BackendError

pytestmark = pytest.mark.usefixtures("keeps_helpers")  # spawn's resource tracker


@pytest.fixture(params=["dask"])
def carrier(request: pytest.FixtureRequest) -> Iterator[Carrier]:
    """Give a carrier with a cluster of its own, which ends with the test."""
    carrier = Carrier(request.param, bundled()[request.param])
    yield carrier
    carrier.close()
    carrier.backend.close()


def test_a_cluster_serves_run_after_run_with_as_many_workers_as_each_asks_for(
    carrier: Carrier,
) -> None:
    seen: list[set[object]] = []
    for workers in (2, 3, 1, 2):
        run = carrier(calls(tasks.process, *[()] * 12), workers=workers)
        assert (run.granted, run.workers_used) == (workers, workers)
        seen.append(set(run))
    assert len(set.intersection(*seen)) == 1, "one worker served all"
    assert os.getpid() not in set.union(*seen)


def test_ten_thousand_small_tasks_are_some_dozens_of_batches(carrier: Carrier) -> None:
    backend = Counting(carrier.backend)
    carrier.backend = backend
    run = carrier.map(tasks.square, *[(x,) for x in range(10_000)])
    assert run == [x * x for x in range(10_000)]
    print(f"{backend.batches} batches in {run.wall:.2f} s")  # decides nothing: a time
    assert backend.batches < 200


def test_the_cluster_becomes_nobody_s_default_and_changes_no_environment(carrier: Carrier) -> None:
    environment = dict(os.environ)
    path = list(sys.path)
    spec = sys.modules["__main__"].__spec__
    settings = dask.config.get("distributed.scheduler.allowed-failures")
    assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]
    assert dict(os.environ) == environment
    assert sys.path == path
    assert sys.modules["__main__"].__spec__ is spec
    assert dask.config.get("distributed.scheduler.allowed-failures") == settings
    with pytest.raises(ValueError, match="No clients found"):
        distributed.default_client()


def test_a_worker_of_the_cluster_imports_neither_main_nor_pytest(carrier: Carrier) -> None:
    assert carrier.map(tasks.main_module, ()) == [None]
    loaded = carrier.map(tasks.loaded_modules, ())[0]
    assert not {"pytest", "_pytest"} & set(loaded)


def test_what_dask_logs_of_the_cluster_is_not_shown(
    carrier: Carrier, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    names = ("distributed", "distributed.nanny")
    before = [logging.getLogger(name).level for name in names]
    carrier.map(tasks.die_by_kill, *[(x, 1) for x in range(4)])
    carrier.backend.close()
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    assert [logging.getLogger(name).level for name in names] == before


def test_a_closed_cluster_leaves_no_file_and_is_made_anew_when_asked(
    carrier: Carrier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for _ in range(2):
        assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]
        assert list(tmp_path.glob("parwork-dask-*"))
        carrier.backend.close()
        assert list(tmp_path.iterdir()) == []


def test_without_distributed_the_remedy_is_told(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    told = r"'dask' cannot start 2 workers: dask.distributed cannot be imported .*\[dask\]'"
    with pytest.raises(BackendError, match=told):
        carrier.map(tasks.square, (2,), (3,))


@pytest.mark.parametrize("carrier", ["dask", "joblib:dask"], indirect=True)
def test_a_nanny_may_be_slow_to_tell_how_its_worker_ended(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit, slow = dask_logs.Nannies.emit, []

    def later(self: dask_logs.Nannies, record: logging.LogRecord) -> None:
        slow.append(threading.Timer(0.9, emit, (self, record)))
        slow[-1].start()

    monkeypatch.setattr(dask_logs.Nannies, "emit", later)
    run = carrier.map(tasks.die_by_exit, *[(x, 3) for x in range(6)])
    for timer in slow:
        timer.join()
    kinds = [outcome.kind for outcome in run.outcomes]
    assert kinds == ["value"] * 3 + ["lost"] + ["value"] * 2
    lost = run.outcomes[3].lost
    assert lost is not None
    assert "exit code 3" in lost.detail
