"""Stations: a process that has the tasks of a run, and calls what it is sent."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import cast

import parwork_tasks as tasks
import pytest
from support.carrier import Carrier, calls

from pytest_parwork.backends import Backend
from pytest_parwork.machine.clock import now
from pytest_parwork.model.errors import BackendError
from pytest_parwork.runner import Rerun
from pytest_parwork.runner.outcomes import Outcomes
from pytest_parwork.runner.station import Station
from pytest_parwork.verify.diagnosis.bench import Bench, Done, Experiment

#: Seconds until an answer has to be there.
PATIENCE = 30.0


@pytest.fixture
def rerun(backends: Mapping[str, Backend]) -> Iterator[Rerun]:
    carrier = Carrier("threads", backends["threads"])
    values = [0]
    run = carrier(calls(tasks.append, (values, 1), (values, 2)), keep=True, order=range(2))
    values += [98, 99]
    assert isinstance(run.outcomes, Outcomes)
    assert run.outcomes.rerun is not None
    yield run.outcomes.rerun
    carrier.close()
    run.outcomes.rerun.close()


@pytest.fixture
def station(rerun: Rerun, backends: Mapping[str, Backend]) -> Iterator[Station]:
    made = rerun.station([1, 0], backends["isolated:spawn"])
    yield made
    made.close()


@pytest.mark.usefixtures("keeps_helpers")
def test_a_station_stays_and_runs_tasks_with_their_original_arguments(station: Station) -> None:
    first = station.ask(os.getpid, now() + PATIENCE)
    bench = Bench(
        experiments=(
            Experiment(label="alone", tasks=(1,)),
            Experiment(label="after the other", tasks=(0, 1), is_sharing=True),
            Experiment(label="again", tasks=(1,)),
        ),
        places={1: 0, 0: 1},
        limit=PATIENCE,
        until=now() + PATIENCE,
    )
    found = cast("list[Done]", station.ask(bench, now() + PATIENCE))
    values = [one.packed.load().value for one in found if one.packed is not None]
    assert values == [[0, 2], [0, 1, 2], [0, 2]]
    assert station.ask(os.getpid, now() + PATIENCE) == first
    assert first != os.getpid()


@pytest.mark.usefixtures("keeps_helpers")
def test_what_a_job_raises_is_an_error_and_its_time_is_limited(
    station: Station,
) -> None:
    with pytest.raises(BackendError, match=r"^ZeroDivisionError: integer division"):
        station.ask(partial(divmod, 1, 0), now() + PATIENCE)
    with pytest.raises(BackendError, match=r"^SystemExit: 4"):
        station.ask(partial(exec, "raise SystemExit(4)"), now() + PATIENCE)
    assert station.ask(partial(divmod, 7, 2), now() + PATIENCE) == (3, 1)
    assert station.ask(partial(time.sleep, PATIENCE), now() + 0.1) is None
    with pytest.raises(BackendError, match=r"^its process has not answered in time before$"):
        station.ask(os.getpid, now() + PATIENCE)


@pytest.mark.usefixtures("keeps_helpers")
def test_the_death_of_a_station_is_named(station: Station) -> None:
    with pytest.raises(BackendError, match=r"^its process died: exit code 3$"):
        station.ask(partial(os._exit, 3), now() + PATIENCE)
    with pytest.raises(BackendError, match=r"^its process died"):
        station.ask(os.getpid, now() + PATIENCE)


def test_a_bench_whose_time_is_up_runs_nothing_and_says_so() -> None:
    one = Experiment(label="alone", tasks=(0,))
    assert Bench(experiments=(one,), places={}, limit=1.0, until=now())() == []
