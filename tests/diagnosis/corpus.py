"""All planted defects."""

from __future__ import annotations

from .fresh import FRESH
from .in_items import DISPATCHED, NEIGHBOURS, NO_ITEM, REDUCED
from .in_processes import FORKED, SPAWNED
from .in_threads import THREADED
from .in_variants import VARIED

DEFECTS = (
    *SPAWNED,
    *FORKED,
    *THREADED,
    *VARIED,
    *NEIGHBOURS,
    *DISPATCHED,
    *REDUCED,
    *NO_ITEM,
    *FRESH,
)
