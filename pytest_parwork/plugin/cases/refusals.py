"""The way out of what cannot be sent to where a case runs."""

from __future__ import annotations

import multiprocessing

__all__ = ["or_in_fork"]


def or_in_fork() -> str:
    """Return how it goes on in an error on a fixture; empty where nothing can be forked."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return ""
    return "; or use backend='isolated:fork', where pytest itself runs the case"
