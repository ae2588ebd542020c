"""The backends that joblib itself has, and the package of the adapter for all of them."""

from __future__ import annotations

from collections.abc import Mapping

from ..protocol import Reach

#: The backends that joblib itself contains, with their reach.
BUNDLED: Mapping[str, Reach] = {
    "loky": "machine",
    "threading": "process",
    "multiprocessing": "machine",
}
