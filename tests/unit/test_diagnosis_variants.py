"""Variants that differ: where, by which seed, and whether the one or the other is unstable."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from pytest_parwork.equivalence import exact
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.runner import Rerun
from pytest_parwork.verify.diagnosis.difference import Difference
from pytest_parwork.verify.diagnosis.held_streams import Drawn, of_numpy, of_python
from pytest_parwork.verify.diagnosis.laboratory import Laboratory
from pytest_parwork.verify.diagnosis.reseeding import (
    OFFSET,
    all_seeds_of,
    other_seed,
    seeds_of,
    with_other_seed,
)
from pytest_parwork.verify.diagnosis.seams import seams_of
from pytest_parwork.verify.diagnosis.variants import diagnose_variant
from pytest_parwork.verify.diagnosis.varied import Setting


def test_differences_at_the_edges_of_chunks_are_seams() -> None:
    expected = [float(n) for n in range(100)]
    actual = list(expected)
    for edge in (25, 50, 75):
        actual[edge] += 1
        actual[edge - 1] += 1
    found = seams_of(actual, expected, 25)
    assert found is not None
    assert found.edges == ((25, 50, 75),)
    assert "all 6 elements that differ by more than rounding lie within 0.5" in str(found)
    assert found.fits(actual, expected)
    actual[10] += 1
    assert not found.fits(actual, expected)
    assert seams_of(actual, expected, 25) is None
    assert seams_of(expected, expected, 25) is None


def test_the_edges_of_so_many_jobs_are_seams_too_and_those_of_two_axes() -> None:
    expected = np.arange(100.0)
    actual = expected.copy()
    actual[[49, 50]] += 1
    found = seams_of(actual, expected, 2)
    assert found is not None
    assert found.edges == ((50,),)
    image, blurred = np.ones((40, 40)), np.ones((40, 40))
    blurred[18:22, :] += 1
    found = seams_of(blurred, image, (20, 20))
    assert found is not None
    assert (found.edges, found.width) == (((20,), (20,)), 1.5)


@pytest.mark.parametrize("value", ["a", 1.5, True, (1, "a"), (2, 2), None, 0, -1])
def test_what_cuts_nothing_has_no_seams(value: object) -> None:
    expected = [0.0] * 10
    assert seams_of([1.0, *expected[1:]], expected, value) is None


def test_few_elements_that_are_all_near_an_edge_are_no_seams() -> None:
    expected = list(range(12))
    assert seams_of([-n for n in expected], expected, 2) is None
    assert seams_of([5, *expected[1:]], expected, 4) is None
    assert seams_of([1], [1, 2], 1) is None


def draws(n: int) -> tuple[float, float]:
    """Draw the data from one generator, and the results from others."""
    data = np.random.default_rng(0).random()
    rng = random.Random()
    rng.seed(3)
    return float(data), rng.random() + made(n, random_state=1)


def made(n: int, *, random_state: int) -> float:
    return random.Random(random_state).random() * n


def test_the_seeds_in_a_source_are_found_and_replaced_one_at_a_time() -> None:
    assert seeds_of(draws) == ["rng.seed(3)", "random_state=1"]
    bodies = (draws, with_other_seed(draws, 0), with_other_seed(draws, 1))
    results = [cast("tuple[float, float]", body(2)) for body in bodies]
    assert len(set(results)) == 3
    assert len({data for data, _ in results}) == 1
    assert with_other_seed(draws, 0)(2) == with_other_seed(draws, 0)(2)
    assert seeds_of(len) == []


SEED = 5


def draws_by_name() -> float:
    return made(1, random_state=SEED) + np.random.RandomState(SEED).random()


def test_a_global_is_a_seed_too_and_generators_that_may_draw_the_data_come_last() -> None:
    assert [one.text for one in all_seeds_of(draws)][2:] == ["np.random.default_rng(0)"]
    found = all_seeds_of(draws_by_name)
    assert [(one.text, one.value, one.is_maybe_data) for one in found] == [
        ("random_state=SEED", 5, False),
        ("np.random.RandomState(SEED)", 5, True),
    ]
    results = {draws_by_name(), *(with_other_seed(draws_by_name, n)() for n in (0, 1))}
    assert len(results) == 3
    assert other_seed(other_seed(7)) == 7
    assert 0 <= other_seed(2**32 - 1) < 2**32


def parts(count: int, seed: int) -> dict[str, object]:
    """Draw six numbers of each kind in so many parts, with a seed for each, and data of another."""
    size = 6 // count
    legacy = [np.random.RandomState(seed + n).normal(size=size) for n in range(count)]
    spawned = np.random.SeedSequence(seed).spawn(count)
    modern = [np.random.default_rng(one).integers(9, size=size) for one in spawned]
    first = random.Random(seed)
    plain = [random.Random(first.randrange(10**6)).gauss(0, 1) for _ in range(count)]
    return {
        "data": np.random.RandomState(0).rand(3).tolist(),
        "legacy": np.concatenate(legacy).tolist(),
        "modern": np.concatenate(modern).tolist(),
        "plain": plain[0] if count > 1 else first.gauss(0, 1),
        "order": [np.random.RandomState(seed).permutation(4).tolist(), first.sample("abc", 2)],
    }


def test_generators_of_a_seed_that_are_held_draw_the_same_in_any_number_of_parts() -> None:
    def held(count: int, state: int) -> tuple[dict[str, object], list[object]]:
        drawn = Drawn(OFFSET, "numbers", state)
        with of_python(drawn), of_numpy(drawn):
            assert isinstance(np.random.mtrand._rand, np.random.RandomState)
            return parts(count, OFFSET), drawn.digest()

    one, two, other = held(1, 1), held(2, 1), held(1, 2)
    assert one[0] == two[0]
    assert one[1] != two[1]
    assert one == held(1, 1)
    assert {name for name, value in one[0].items() if value == other[0][name]} <= {"data", "order"}
    assert one[0]["data"] == parts(1, OFFSET)["data"]  # of another seed
    assert len(set(cast("list[float]", one[0]["legacy"]))) == 1
    assert parts(1, OFFSET) != parts(2, OFFSET)
    assert vars(random.Random).keys().isdisjoint({"random", "getrandbits"})


def test_what_generators_of_a_seed_give_is_the_same_however_it_is_cut() -> None:
    def watched(cuts: list[int]) -> list[object]:
        drawn = Drawn(OFFSET, "", 0)
        with of_python(drawn), of_numpy(drawn):
            rng = np.random.RandomState(OFFSET)
            for size in cuts:
                rng.normal(size=size)
            np.random.RandomState(0).normal()
        return drawn.digest()

    assert watched([6]) == watched([2, 4])
    assert watched([6])[0] == 6
    assert watched([6]) != watched([5])


class Test:
    def draws(self, n: int) -> float:
        return made(n, random_state=2)


def test_the_seeds_of_methods_are_replaced_as_well() -> None:
    assert seeds_of(Test().draws) == ["random_state=2"]
    assert with_other_seed(Test().draws, 0)(1) == made(1, random_state=2 + OFFSET)


@pytest.mark.parametrize(
    ("body", "serial", "parallel", "name"),
    [
        (draws, 1.0, 2.0, "RANDOM_STREAM"),
        (draws, 1.0, 1.0 + 1e-15, "REDUCTION_ORDER"),
        (len, 1.0, 2.0, "UNEXPLAINED"),
    ],
)
def test_without_time_a_variant_has_the_suspicion_that_its_results_and_its_source_speak_for(
    monkeypatch: pytest.MonkeyPatch,
    body: Callable[..., object],
    serial: float,
    parallel: float,
    name: str,
) -> None:
    # Else, as other tests load it, the experiment is on its threads.
    monkeypatch.delitem(sys.modules, "joblib", raising=False)
    lab = Laboratory(
        difference=Difference(
            number=1,
            id="test_it[n_jobs:2]",
            actual=Outcome(kind="value", value=parallel),
            expected=Outcome(kind="value", value=serial),
            policy=exact(),
            own=None,
            timeout=None,
            start_method="",
            earlier=(),
            earlier_in_worker=(),
            seconds=0.0,
        ),
        rerun=cast("Rerun", SimpleNamespace(unavailable={})),
        names=["n_jobs=1", "test_it[n_jobs:2]"],
        function=None,
        workers=2,
        find=lambda name: pytest.fail(name),
        deadline=0.0,
    )
    setting = Setting(
        argument="n_jobs",
        inside="",
        label="n_jobs=2",
        reference="n_jobs=1",
        value=2,
        others=(),
        body=body,
    )
    (cause,) = diagnose_variant(lab, setting)
    assert (cause.name, cause.confirmed) == (name, False)
    assert cause.evidence.endswith("the time of the diagnosis was up before the experiment: alone")
