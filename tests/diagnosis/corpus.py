"""All planted defects."""

from __future__ import annotations

from .in_processes import FORKED, SPAWNED
from .in_threads import THREADED

DEFECTS = (*SPAWNED, *FORKED, *THREADED)
