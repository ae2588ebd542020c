"""The native thread pools of this process: which a limit reaches, and which it does not."""

from __future__ import annotations

import sys

#: Libraries with a thread pool of their own, by import name: the variable that they read when they
#: are loaded, or first used.
AT_START = {
    "numba": "NUMBA_NUM_THREADS",
    "polars": "POLARS_MAX_THREADS",
    "tokenizers": "RAYON_NUM_THREADS",
    "duckdb": "DUCKDB_THREADS",
    "cv2": "OPENCV_FOR_THREADS_NUM",
    "jax": "XLA_FLAGS",
    "tensorflow": "TF_NUM_INTRAOP_THREADS",
}


def native_reach() -> str:
    """Say which loaded libraries a limit of native threads reaches, and which it does not."""
    import threadpoolctl

    reached = {
        f"{library['internal_api']} {library.get('version') or ''}".strip()
        for library in threadpoolctl.threadpool_info()
    }
    text = f"native reaches {', '.join(sorted(reached)) or 'no loaded library'}"
    missed = [f"{name} ({variable})" for name, variable in AT_START.items() if name in sys.modules]
    if missed:
        text += (
            f"; it does not reach {', '.join(missed)}: set the variable before pytest starts, in a "
            f"process of its own for each number"
        )
    return text
