"""What the controller of pytest-xdist and its processes tell one another of workloads.

A channel goes to each process with its input. The process tells which of its items are cases of
which workload, the controller which items it gives to the process: xdist itself says neither.
Nothing is told where nothing is marked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest

#: The name of the channel in `config.workerinput`.
CHANNEL = "parwork_channel"

_WORKLOADS = pytest.StashKey[dict[int, int]]()


def connect(node: Any) -> None:
    """Open the channel to a process that is about to start, a `WorkerController` of xdist."""
    channel = node.gateway.newchannel()
    known = node.config.stash.setdefault(_WORKLOADS, {})
    # Messages come in their order, so this one is there before xdist hears of the collection.
    channel.setcallback(known.update)
    node.workerinput[CHANNEL] = channel
    give = node.send_runtest_some

    def tell_and_give(indices: Sequence[int]) -> None:
        if known:
            with suppress(OSError):  # it has died, as xdist will see for itself
                channel.send(list(indices))
        give(indices)

    node.send_runtest_some = tell_and_give


def workloads(config: pytest.Config) -> Mapping[int, int]:
    """Return the number of the workload of each item that is of one; for the controller."""
    return config.stash.get(_WORKLOADS, {})


def is_default(config: pytest.Config) -> bool:
    """Return whether xdist has chosen how to share the tests, not the user by `--dist` or `-d`."""
    given = config.known_args_namespace  # as on the command line; xdist changes `config.option`
    return given.dist == "no" and not given.distload and config.getoption("dist") == "load"
