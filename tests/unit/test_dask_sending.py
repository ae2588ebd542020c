"""A payload on its way to a cluster some of whose workers are dying or stand still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_parwork.backends.dask import sending
from pytest_parwork.backends.dask.sending import Sending
from pytest_parwork.machine.clock import now

distributed = pytest.importorskip("distributed")

#: Seconds that a test may take.
DEADLINE = 30.0


class Cluster:
    """A client of dask that does with each payload as it is told."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = SimpleNamespace(asyncio_loop=loop)
        self.will: list[str | Exception] = []
        self.sent: list[str] = []
        self.is_copying = False
        self.given_up = 0

    async def scatter(self, payload: str, **_: Any) -> str:
        self.sent.append(payload)
        what = self.will.pop(0)
        if isinstance(what, Exception):
            raise what
        if what == "stands still":
            await self._stand_still()
        return what

    async def replicate(self, _: list[str], **__: Any) -> None:
        if self.is_copying:
            await self._stand_still()

    async def _stand_still(self) -> None:
        try:
            await asyncio.sleep(DEADLINE)
        except asyncio.CancelledError:
            self.given_up += 1
            raise


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield Cluster(loop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(DEADLINE)
    loop.close()


def result(sending: Sending) -> Any:
    until = now() + DEADLINE
    while now() < until:
        if (sent := sending.poll()) is not None:
            return sent
    raise AssertionError("nothing was sent")


def settle(cluster: Cluster, given_up: int) -> None:
    until = now() + DEADLINE
    while cluster.given_up < given_up and now() < until:
        threading.Event().wait(0.01)
    assert cluster.given_up == given_up


def test_it_is_sent_once_where_all_is_well(cluster: Cluster) -> None:
    cluster.will = ["there"]
    assert result(Sending(cluster, "payload", 1.0)) == "there"
    assert cluster.sent == ["payload"]


def test_what_fails_is_sent_again(cluster: Cluster) -> None:
    cluster.will = [OSError("one"), OSError("two"), "there"]
    assert result(Sending(cluster, "payload", 1.0)) == "there"
    assert cluster.sent == ["payload"] * 3


def test_it_is_given_up_after_the_last_attempt(cluster: Cluster) -> None:
    cluster.will = [OSError(str(number)) for number in range(sending.ATTEMPTS + 1)]
    with pytest.raises(OSError, match=str(sending.ATTEMPTS - 1)):
        result(Sending(cluster, "payload", 1.0))
    assert len(cluster.sent) == sending.ATTEMPTS


def test_without_any_worker_it_is_given_up_at_once(cluster: Cluster) -> None:
    cluster.will = [distributed.TimeoutError("no worker")]
    with pytest.raises(distributed.TimeoutError, match="no worker"):
        result(Sending(cluster, "payload", 1.0))


def test_a_worker_that_stands_still_is_not_waited_for(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 0.1)
    cluster.will = ["stands still", "there"]
    assert result(Sending(cluster, "payload", 1.0)) == "there"
    settle(cluster, 1)


def test_nor_is_one_that_takes_no_copy(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "COPYING", 0.1)
    cluster.will = ["there"]
    cluster.is_copying = True
    assert result(Sending(cluster, "payload", 1.0)) == "there"
    settle(cluster, 1)


def test_what_is_given_up_leaves_nothing_behind(cluster: Cluster) -> None:
    cluster.will = ["stands still"]
    sending = Sending(cluster, "payload", 1.0)
    assert sending.poll() is None
    sending.cancel()
    settle(cluster, 1)
