"""The backends `joblib…`: `joblib.Parallel` with each backend that joblib knows."""

from __future__ import annotations

from collections.abc import Mapping

from ..protocol import Reach

#: The backends that joblib itself contains, with their reach.
BUNDLED: Mapping[str, Reach] = {
    "loky": "machine",
    "threading": "process",
    "multiprocessing": "machine",
}
