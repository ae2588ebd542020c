"""The queue of events, which every poll of the workers waits at."""

from __future__ import annotations

import threading

from pytest_parwork.backends import Event, EventQueue


def test_it_never_waits_longer_than_its_timeout() -> None:
    # `queue.SimpleQueue` hangs here within some thousands, up to Python 3.12.
    for _ in range(20_000):
        assert EventQueue().drain(1e-6) == []


def test_it_gives_all_that_came_in_the_order_of_each_thread() -> None:
    events, each, threads = EventQueue(), 2_000, 4

    def put(name: str) -> None:
        for number in range(each):
            events.put(Event(kind="done", batch=number, worker=name))

    putting = [threading.Thread(target=put, args=(str(name),)) for name in range(threads)]
    for thread in putting:
        thread.start()
    got: dict[str, list[int | None]] = {}
    while sum(map(len, got.values())) < each * threads:
        for event in events.drain(60):  # seconds; a wake-up that is lost costs as many
            got.setdefault(event.worker, []).append(event.batch)
    for thread in putting:
        thread.join()
    assert got == {str(name): list(range(each)) for name in range(threads)}


def test_what_was_drained_is_gone() -> None:
    events = EventQueue()
    events.put(Event(kind="done", batch=1))
    events.put(Event(kind="done", batch=2))
    assert [event.batch for event in events.drain(60)] == [1, 2]
    assert events.drain(0) == []
    assert events.drain(0) == []
