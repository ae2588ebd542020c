"""Carry out one configuration on one workload: start, hand out, watch, gather, survive."""

from .guard import Guard
from .run import Interrupted, carry_out
from .stop import Stop

__all__ = ["Guard", "Interrupted", "Stop", "carry_out"]
