"""One configuration run on one workload: start, submit, watch, gather, survive."""

from .guard import Guard
from .request import Progress, RunRequest
from .rerun import Rerun
from .run import Interrupted, execute, stored
from .stop import Stop

__all__ = ["Guard", "Interrupted", "Progress", "Rerun", "RunRequest", "Stop", "execute", "stored"]
