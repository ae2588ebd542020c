"""Large values on every backend: out of band, once, not shared between tasks, freed."""

from __future__ import annotations

import gc
import os
import pickle
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import parwork_tasks as tasks
import pytest
from support.carrier import IN_PROCESS, JOINED, Carrier, Counting, calls, outcomes

from pytest_parwork.machine import system
from pytest_parwork.model.errors import ParworkWarning

MEGABYTE = 1 << 20

#: What is in files and mapped is so for all workers of this machine.
SELDOM_DAILY = ("joblib:loky",)


def parwork_files(kind: str) -> Iterator[os.stat_result]:
    """Yield the state of each open file of parwork of that kind, once each."""
    seen = set()
    for fd in Path("/proc/self/fd").glob("*"):
        try:
            target = os.readlink(fd)
            stat = os.stat(fd)
        except OSError:
            continue
        if target.startswith(f"/memfd:parwork-{kind}") and stat.st_ino not in seen:
            seen.add(stat.st_ino)
            yield stat


def spooled_bytes() -> int:
    return sum(512 * stat.st_blocks for stat in parwork_files("spool"))


def test_no_other_task_sees_what_a_task_writes_into_its_argument(carrier: Carrier) -> None:
    array = np.zeros(200_000)  # more than a megabyte, which is mapped
    run = carrier.map(tasks.write_and_sum, *[(array, float(x)) for x in range(1, 9)])
    if carrier.name not in IN_PROCESS:
        assert run == [float(x) for x in range(1, 9)]
    assert len(list(run)) == 8
    assert not array.any(), "where tasks share memory, they share a copy of the caller's"


@pytest.mark.parametrize("name", sorted(IN_PROCESS), indirect=True)
def test_a_result_that_a_later_task_changes_stays_as_it_was(carrier: Carrier) -> None:
    grown: list[int] = []

    def grow(x: int) -> list[int]:
        grown.append(x)
        return grown

    run = carrier(calls(grow, *[(x,) for x in range(4)]), workers=1)
    lengths = [len(outcome.value) for outcome in run.outcomes if isinstance(outcome.value, list)]
    assert sorted(lengths) == [1, 2, 3, 4]


def test_a_small_argument_is_the_task_s_own_too(carrier: Carrier) -> None:
    values: list[int] = []
    run = carrier.map(tasks.append, *[(values, x) for x in range(4)])
    if carrier.name not in IN_PROCESS:
        assert run == [[x] for x in range(4)]
    assert values == []


@pytest.mark.parametrize("name", ["processes:spawn", "multiprocessing", "threads"], indirect=True)
def test_an_array_is_sent_there_and_back(carrier: Carrier) -> None:
    arrays: list[np.ndarray[tuple[int, ...], np.dtype[Any]]] = [
        np.arange(60_000.0).reshape(300, 200),
        np.asfortranarray(np.arange(60_000.0).reshape(300, 200)),
        np.arange(60_000.0).reshape(300, 200).T,
        np.arange(60_000.0)[::-2],
        np.zeros(9_000, dtype=[("a", "f8"), ("b", "i4")]),
        np.array(["a", None, 3] * 3_000, dtype=object),
        np.arange(60_000).astype("M8[s]"),
        np.array(5.0),
    ]
    values = list(carrier.map(tasks.identity, *[(array,) for array in arrays * 2]))
    for array, value in zip(arrays * 2, values, strict=True):
        assert isinstance(value, np.ndarray)
        assert value.dtype == array.dtype
        np.testing.assert_array_equal(value, array)


def test_a_read_only_array_stays_read_only(carrier: Carrier) -> None:
    array = np.zeros(100_000)
    array.flags.writeable = False
    run = carrier.map(tasks.write_and_sum, (array, 1.0))
    with pytest.raises(ValueError, match="read-only"):
        run[0]


def test_a_large_object_twice_in_a_call_stays_one_object(carrier: Carrier) -> None:
    array = np.zeros(100_000)
    assert carrier.map(tasks.is_same, (array, array), (array, array.copy())) == [True, False]


def test_an_array_that_all_tasks_share_is_in_the_payload_once(carrier: Carrier) -> None:
    array = np.ones(MEGABYTE)
    counting = Counting(carrier.backend)
    is_apart = carrier.name == JOINED  # its payload is in no file here
    with closing(Carrier(carrier.name, counting if is_apart else carrier.backend)) as kept:
        run = kept(calls(tasks.sum_of, *[(array,)] * 16), keep=True)
        assert run == [float(MEGABYTE)] * 16
        sizes = [stat.st_size for stat in parwork_files("payload")]
        rerun = outcomes(run).rerun
        assert rerun is not None
        rerun.close()
    if is_apart:
        assert sizes == []
        sizes = [len(pickle.dumps(counting.call))]
    if carrier.name in IN_PROCESS:
        assert sizes == []
    else:
        assert len(sizes) == 1
        # A joined cluster is sent the sources of the modules, too: here, of all tests.
        assert array.nbytes < sizes[0] < array.nbytes + (4 if is_apart else 1) * MEGABYTE


def test_a_result_of_20_mb_comes_back(carrier: Carrier) -> None:
    run = carrier.map(tasks.full, (2_500_000, 1.0), (10, 2.0))
    value = run[0]
    assert isinstance(value, np.ndarray)
    assert value.nbytes == 20_000_000
    assert float(value.sum()) == 2_500_000.0


def test_a_freed_result_returns_its_memory(carrier: Carrier) -> None:
    if carrier.name in IN_PROCESS:
        pytest.skip("there is no spool")
    run = carrier.map(tasks.full, *[(MEGABYTE, float(x)) for x in range(3)])
    size = 8 * MEGABYTE
    assert spooled_bytes() > 3 * size
    for number in (1, 0):
        outcomes(run).free(number)
    assert size < spooled_bytes() < size + MEGABYTE
    value = run[2]
    assert isinstance(value, np.ndarray)
    assert (value == 2.0).all()
    outcomes(run).free(2)
    assert spooled_bytes() < MEGABYTE


def test_a_result_without_large_buffers_is_freed_when_it_is_taken(carrier: Carrier) -> None:
    if carrier.name in IN_PROCESS:
        pytest.skip("there is no spool")
    run = carrier.map(tasks.letters, (4 * MEGABYTE,), (4 * MEGABYTE,))
    assert spooled_bytes() > 8 * MEGABYTE
    taken = outcomes(run).take(1)
    assert taken.value == "x" * (4 * MEGABYTE)
    assert 4 * MEGABYTE < spooled_bytes() < 5 * MEGABYTE
    assert outcomes(run).take(0).value == taken.value
    assert spooled_bytes() < MEGABYTE


def test_a_closed_run_leaves_no_file_open(carrier: Carrier) -> None:
    run = carrier.map(tasks.full, (MEGABYTE, 1.0))
    value = run[0]
    assert isinstance(value, np.ndarray)
    carrier.close()
    assert value[-1] == 1.0, "what was loaded stays readable"
    del run, value
    gc.collect()
    assert not list(parwork_files(""))


def test_many_loaded_results_do_not_use_up_the_descriptors(carrier: Carrier) -> None:
    if carrier.name in IN_PROCESS:
        pytest.skip("nothing is loaded there")
    run = carrier.map(tasks.full, *[(20_000, float(x)) for x in range(100)])
    before = len(os.listdir("/proc/self/fd"))
    values = list(run)
    assert len(values) == 100
    assert len(os.listdir("/proc/self/fd")) <= before + 1


@pytest.mark.parametrize("name", ["processes:fork", JOINED], indirect=True)
def test_a_system_without_memory_for_files_is_reported_once_for_payload_and_spools(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise OSError(38, "Function not implemented")

    assert carrier.map(tasks.square, (1,), (2,)) == [1, 4]  # workers that are kept have started
    monkeypatch.setattr(system.os, "memfd_create", fail, raising=False)
    with pytest.warns(ParworkWarning, match="Function not implemented") as warned:
        assert carrier.map(tasks.square, (1,), (2,)) == [1, 4]
    assert len(warned) == 1
