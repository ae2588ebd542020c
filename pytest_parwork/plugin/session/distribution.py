"""The messages on workloads between the controller of pytest-xdist and its processes.

Each process gets a channel with its input. The process reports which of its items are cases of
which workload, the controller reports which items it sends to the process: xdist itself reports
neither. Without marked tests there are no messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest

from . import board
from .locks import share_folder

#: The name of the channel in `config.workerinput`.
CHANNEL = "parwork_channel"

_WORKLOADS = pytest.StashKey[dict[int, int]]()


def connect(node: Any) -> None:
    """Open the channel to a process that is about to start, a `WorkerController` of xdist."""
    channel = node.gateway.newchannel()
    known = node.config.stash.setdefault(_WORKLOADS, {})
    # Messages arrive in order, so the workloads are known before xdist receives the collection.
    channel.setcallback(known.update)
    node.workerinput[CHANNEL] = channel
    share_folder(node)
    board.connect(node)
    send = node.send_runtest_some

    def report_and_send(indices: Sequence[int]) -> None:
        if known:
            with suppress(OSError):  # the process died, which xdist will notice itself
                channel.send(list(indices))
        send(indices)

    node.send_runtest_some = report_and_send


def workloads(config: pytest.Config) -> Mapping[int, int]:
    """Return the workload's number for each item that belongs to one; for the controller."""
    return config.stash.get(_WORKLOADS, {})


def is_default(config: pytest.Config) -> bool:
    """Return whether xdist chose how to distribute tests, not the user by `--dist` or `-d`."""
    given = config.known_args_namespace  # as on the command line; xdist changes `config.option`
    return given.dist == "no" and not given.distload and config.getoption("dist") == "load"
