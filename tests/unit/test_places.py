"""Which bundled backends run tasks in a special place."""

from __future__ import annotations

from pytest_parwork.backends import bundled
from pytest_parwork.backends.protocol import place_of


def test_only_serial_runs_in_the_caller_and_only_isolated_fork_in_a_fork_of_it() -> None:
    """A process of spawn or forkserver inherits nothing, so it is no copy of the caller."""
    places = {name: place_of(backend) for name, backend in bundled().items()}
    special = {name: place for name, place in places.items() if place is not None}
    assert special == {"serial": "caller", "isolated:fork": "fork"}
