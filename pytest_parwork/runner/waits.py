"""The waits of a run, in seconds: how long it waits for workers, and how often it checks."""

from __future__ import annotations

# How often the runner checks.

#: Between two checks of the health of the workers.
HEARTBEAT = 0.05

#: Between two checks of the whole table of a run.
LOOK = 0.05

#: Between two checks of the state of a process that was sent a signal.
GLANCE = 0.001

# How long workers may take to start.

#: The first worker waits for the others. Missing workers cost exactly this.
RENDEZVOUS = 5.0

#: A backend without any sign of a worker is given up after this.
START_PATIENCE = 60.0

#: The same if tasks have a timeout of at most half of that, because then time matters.
READY = 20.0

# How long it takes to learn what has happened to a process.

#: A process stops, or writes its stack, after a signal; it needs some milliseconds.
SIGNALLED = 1.0

#: A signal may need this to stop all threads of a process; a task may end meanwhile.
LATENCY = 0.25

#: A library reports the exit code of a worker that has exited.
HEARSAY = 1.0

#: The system reports the exit code of a process whose death its library has noticed.
REAPING = 0.5

#: A library notices that a worker has died.
UNNOTICED = 0.5

#: Without any progress, after a worker died, all of them are replaced.
STALL = 1.0

# How long workers have to end.

#: At the end of a run.
CLOSE = 5.0

#: The same if the run ends in the middle of tasks, which are not waited for.
CLOSE_INTERRUPTED = 0.2

#: Workers that are replaced.
REPLACING = 1.0
