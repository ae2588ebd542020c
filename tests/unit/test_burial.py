"""What is lost where the workers of several tasks have ended, and what is tried again."""

from __future__ import annotations

import parwork_tasks as tasks
import pytest

from pytest_parwork.backends import Event, bundled
from pytest_parwork.machine.stacks import Stack
from pytest_parwork.model.work import Batch, Configuration, Task, Workload
from pytest_parwork.runner import deaths, flight, prospects
from pytest_parwork.runner.burial import Burial, Suspects, Suspicion
from pytest_parwork.runner.deaths import Deaths
from pytest_parwork.runner.flight import Flight
from pytest_parwork.runner.in_threads import CopiedTasks
from pytest_parwork.runner.losses import Losses
from pytest_parwork.runner.medium import Medium, Setting
from pytest_parwork.runner.request import RunRequest
from pytest_parwork.runner.schedule import Schedule
from pytest_parwork.runner.suspension import Suspension
from pytest_parwork.transport.notes import Entry

WORKERS = (101, 102, 103)


class Scene:
    """Three workers, each with a batch of two tasks, of which the first is begun."""

    def __init__(self, *, begun: tuple[int, ...] = WORKERS) -> None:
        workload = [Task(id=str(x), function=tasks.square, args=(x,)) for x in range(6)]
        suspension = Suspension()
        workers = bundled()["serial"].start(2)
        request = RunRequest(
            workload=Workload(name="scene", tasks=tuple(workload)),
            configuration=Configuration(backend="serial"),
        )
        setting = Setting(request=request, workers=workers, threads=1, suspension=suspension)
        medium = CopiedTasks(setting).medium(setting, range(6))
        self.ledger = medium.ledger
        self.losses = Losses(medium, workload)
        self.flight = Flight(medium, self.losses)
        self.schedule = Schedule(range(6), workers=3, chunksize=2, in_order=True)
        self.suspects = Suspects()
        self.burial = Burial(
            medium,
            self.schedule,
            self.flight,
            self.losses,
            self.suspects,
            Deaths(workers, suspension),
            workers=2,
        )
        batches = self.schedule.all()
        self.flight.add(batches)
        for batch, worker in zip(batches, WORKERS, strict=True):
            self.ledger.arrive(batch.tasks[0], worker, 0.5)
            if worker in begun:
                self.ledger.start(batch.tasks[0], 1.0)

    def suspect(self, *alive: int) -> None:
        self.burial.suspect(list(self.flight), "SIGKILL", is_known=False, alive=frozenset(alive))

    def finish_alone(self, task: int) -> Suspicion | None:
        while self.suspects.next() != task:
            pass
        return self.suspects.clear(task)

    def again(self) -> list[int]:
        return sorted(task for batch in self.schedule.all() for task in batch.tasks)


def test_the_task_of_the_only_dead_worker_is_lost_and_all_others_are_sent_again() -> None:
    scene = Scene()
    scene.suspect(101, 103)
    assert list(scene.losses.all()) == [2]
    assert not scene.suspects
    assert scene.again() == [0, 1, 3, 4, 5]


@pytest.mark.parametrize(("alive", "suspects"), [((), [0, 2, 4]), ((102,), [0, 4])])
def test_of_several_dead_workers_each_task_is_tried_alone(
    alive: tuple[int, ...], suspects: list[int]
) -> None:
    scene = Scene()
    scene.suspect(*alive)
    assert not scene.losses.all()
    assert [task for task in range(6) if task in scene.suspects] == suspects
    assert scene.again() == [task for task in range(6) if task not in suspects]


def test_where_the_dead_worker_had_begun_nothing_the_others_are_not_believed_either() -> None:
    scene = Scene(begun=(101, 103))
    scene.suspect(101, 103)
    assert not scene.losses.all()
    assert [task for task in range(6) if task in scene.suspects] == [0, 4]


@pytest.mark.parametrize("begun", [(101, 103), (101,)])
def test_where_the_dead_worker_had_begun_nothing_what_ends_well_alone_is_not_lost(
    begun: tuple[int, ...],
) -> None:
    scene = Scene(begun=begun)
    scene.suspect(101, 103)
    assert [task for task in (0, 2, 4) if task in scene.suspects] == [0, 4][: len(begun)]
    assert [scene.finish_alone(task) for task in (0, 4)[: len(begun)]] == [None] * len(begun)
    assert not scene.losses.all()


def test_a_task_that_ends_its_workers_when_it_is_alone_is_lost_whoever_is_said_to_be_alive() -> (
    None
):
    scene = Scene(begun=(101,))
    scene.suspect(101)
    batch = scene.schedule.single(scene.suspects.next() or 0)
    scene.flight.reopen(0)
    scene.flight.add([batch])
    scene.ledger.arrive(0, 104, 2.0)
    scene.ledger.start(0, 2.0)
    scene.suspect(104)
    assert list(scene.losses.all()) == [0]


@pytest.mark.parametrize(("seconds", "is_lost"), [(0.0, True), (60.0, False)])
def test_what_is_handed_to_a_worker_whose_death_is_not_noticed_yet_is_not_to_blame(
    seconds: float, is_lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight, "UNNOTICED", seconds)
    scene = Scene()
    for other in (0, 1):
        scene.losses.crashed(other, "SIGKILL (signal 9)")
        batch = Batch(number=10 + other, tasks=(5,))
        scene.flight.add([batch])
        scene.burial.bury([batch], "SIGKILL (signal 9)")
    assert (5 in scene.losses) == is_lost


@pytest.mark.parametrize("has_ended", [True, False])
def test_workers_that_have_ended_a_task_can_begin_even_if_nobody_had_looked_before_they_died(
    *, has_ended: bool
) -> None:
    scene = Scene(begun=())
    if has_ended:
        scene.ledger.start(0, 1.0)
        scene.ledger.end(0, 2.0)
        scene.ledger.store(0, "value", 0, 0, 0)
    for _ in range(4):
        scene.suspect()
        scene.flight.add(scene.schedule.all())
    assert scene.burial.is_hopeless is not has_ended


def test_a_pool_that_breaks_once_before_anything_began_is_one_death_of_each_worker() -> None:
    scene = Scene(begun=())
    scene.suspect()
    assert not scene.burial.is_hopeless
    assert scene.again() == list(range(6))


def test_workers_that_have_begun_again_may_die_as_often_as_at_first() -> None:
    scene = Scene(begun=())
    for _ in range(3):
        scene.suspect()
        scene.flight.add(scene.schedule.all())
    scene.burial.note_begin()
    scene.suspect()
    assert not scene.burial.is_hopeless


def test_of_a_pool_that_breaks_only_what_had_arrived_at_the_dead_may_be_to_blame() -> None:
    scene = Scene(begun=())
    for _ in range(2):
        scene.suspect(101, 102)
        scene.flight.add(scene.schedule.all())
        for task, worker in zip((0, 2, 4), WORKERS, strict=True):
            scene.ledger.arrive(task, worker, 0.5)
    assert list(scene.losses.all()) == [4]


class TestABatchThatCouldNotRunWhereItWasSent:
    """Its worker was broken by an earlier task, and may meet many until it is replaced."""

    def bury(self, scene: Scene, *workers: str) -> None:
        for worker in workers:
            batch = scene.schedule.next() or next(iter(scene.flight))
            if batch not in scene.flight:
                scene.flight.add([batch])
            event = Event(kind="failed", batch=batch.number, worker=worker, is_innocent=True)
            scene.burial.bury_of_one(batch, "OSError: too late", event)

    def test_a_worker_counts_once_however_many_it_meets(self) -> None:
        scene = Scene(begun=())
        self.bury(scene, *["tcp://a", "tcp://b", "tcp://c"] * 20)
        assert not scene.burial.is_hopeless
        assert not scene.losses.all()

    @pytest.mark.parametrize("workers", [[""] * 8, [f"tcp://{n}" for n in range(8)]])
    def test_it_is_hopeless_where_so_many_workers_have_never_started_a_task(
        self, workers: list[str]
    ) -> None:
        scene = Scene(begun=())
        self.bury(scene, *workers[:7])
        assert not scene.burial.is_hopeless
        self.bury(scene, workers[7])
        assert scene.burial.is_hopeless

    def test_those_that_have_run_tasks_do_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scene = Scene(begun=())
        monkeypatch.setattr(Medium, "has_served", lambda *_: True)
        self.bury(scene, *[f"tcp://{n}" for n in range(20)])
        assert not scene.burial.is_hopeless

    def test_it_is_hopeless_where_they_are_never_replaced(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene = Scene(begun=())
        self.bury(scene, "tcp://a", "tcp://a")
        monkeypatch.setattr(prospects, "START_PATIENCE", -1.0)
        assert scene.burial.is_hopeless
        scene.burial.note_begin()
        assert not scene.burial.is_hopeless

    def test_a_pool_that_breaks_so_is_one_death_of_each_worker(self) -> None:
        scene = Scene(begun=())
        for worker in ["tcp://a", "tcp://b"] * 10:
            scene.burial.end_all(Event(kind="broken", worker=worker, is_innocent=True))
            scene.flight.add(scene.schedule.all())
        assert not scene.burial.is_hopeless


def test_a_task_that_died_alongside_others_is_lost_when_it_has_died_on_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deaths, "REAPING", 0.0)  # nobody reports these deaths
    scene = Scene(begun=(101,))
    died = Entry(task=0, kind="died", worker="a", pid=101, arrived=0.5, started=1.0, suspects=2)
    scene.burial.read([died])
    assert not scene.losses.all()
    assert scene.suspects.next() == 0
    scene.burial.read([died])
    lost = scene.losses.all()[0]
    assert [one.is_alone for one in lost.tries] == [False, True]
    assert lost.detail.endswith("while it ran this task, twice")


def test_of_several_dead_workers_the_one_that_has_left_a_stack_is_to_blame() -> None:
    scene = Scene()
    scene.losses.know_stack(103, Stack(code=-11, frames=("mesh.py:8 in refine",)))
    scene.suspect()
    assert list(scene.losses.all()) == [4]
    assert not scene.suspects
    assert scene.again() == [0, 1, 2, 3, 5]
