"""Carry out one configuration on one workload: start, hand out, watch, gather, survive."""

from .run import carry_out

__all__ = ["carry_out"]
