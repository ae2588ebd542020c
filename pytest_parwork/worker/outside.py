"""The end of a worker process that cannot watch its own tasks, by another process on its host.

A process that is stopped, or whose interpreter is blocked by one call, cannot run the thread that
watches its tasks. Its parent does so on request.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..machine.clock import now
from ..machine.process_groups import kill_group, state_of
from ..transport.journal import add_notes, notes_of
from ..transport.notes import Entry

#: Seconds that a signal may take to stop all threads of a process; a task may end meanwhile.
LATENCY = 0.25

#: How many of the tasks that ended last in a process may have sent the signal.
RECENT = 8

#: Seconds by which the process's own watch may be late.
PATIENCE = 0.5


def end_departed(pids: list[int]) -> None:
    """End processes that have left their cluster, and run tasks whose outcomes nobody will have.

    Where they have a nanny that does not know, it starts others.
    """
    while pids:
        kill_group(pids.pop())


def end_if_stuck(pid: int, run: str, timeouts: Mapping[int, float], *, is_deaf: bool) -> bool:
    """End a process that is stopped, runs a task for too long, or is idle and does not respond.

    The tasks to blame are noted in its journal, where the next worker of the batch will find them.
    """
    begun: dict[int, Entry] = {}
    ended: list[Entry] = []
    for entry, is_over in notes_of(run, pid):
        if is_over:
            begun.pop(entry.task, None)
            ended.append(entry)
        else:
            begun[entry.task] = entry
    if state_of(pid) == "T":
        last = max((each.since for each in (*ended, *begun.values())), default=0)
        recent = [entry for entry in ended if entry.ended > last - LATENCY][-RECENT:]
        blamed = [entry._replace(kind="stopped") for entry in (*recent, *begun.values())]
    else:
        limits = {task: timeouts[task] + PATIENCE for task in begun.keys() & timeouts.keys()}
        late = [task for task, limit in limits.items() if now() > begun[task].since + limit]
        if not late and (begun or not is_deaf):
            return False
        blamed = [begun[task]._replace(kind="timeout") for task in late]
    add_notes(run, pid, blamed)
    kill_group(pid)
    return True
