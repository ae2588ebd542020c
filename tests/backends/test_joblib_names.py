"""The backends of joblib that are only known by their names."""

from __future__ import annotations

import importlib.util
import sys

import joblib
import parwork_tasks as tasks
import pytest
from joblib import parallel
from support.carrier import Carrier

from pytest_parwork.backends import Family, bundled
from pytest_parwork.model.errors import BackendError, UsageError


def named(argument: str) -> Carrier:
    family = bundled()["joblib"]
    assert isinstance(family, Family)
    return Carrier(f"joblib:{argument}", family.named(argument))


def test_a_backend_that_someone_has_registered_runs_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parallel, "BACKENDS", dict(parallel.BACKENDS))
    joblib.register_parallel_backend("of_mine", parallel.BACKENDS["threading"])
    before = (list(sys.path), list(sys.meta_path))
    carrier = named("of_mine")
    run = carrier.map(tasks.square, *[(x,) for x in range(50)])
    assert run == [x * x for x in range(50)]
    assert run.start_method == "of_mine"
    failed = carrier.map(tasks.raise_value_error, (1,), (2,))
    assert failed.outcomes[1].failure is not None
    assert (list(sys.path), list(sys.meta_path)) == before
    carrier.close()


def test_an_unknown_name_is_reported_with_those_that_joblib_knows() -> None:
    with pytest.raises(UsageError, match=r"unknown backend 'joblib:lokky'; joblib knows: dask, .*"):
        named("lokky")


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_without_ray_the_remedy_is_named() -> None:
    carrier = Carrier("joblib:ray", bundled()["joblib:ray"])
    with pytest.raises(BackendError, match="ray is not installed; install it with: pip"):
        carrier.map(tasks.square, (1,), (2,))
