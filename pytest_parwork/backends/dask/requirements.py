"""What a dask cluster needs before it is tried: the library, and room for what it opens."""

from __future__ import annotations

from ...machine.abilities import is_installed
from ...machine.allowances import MEGABYTE, require_files, require_memory
from ...model.errors import BackendError

#: File descriptors of this process that a local cluster needs as it starts, and for each worker:
#: 40 were open at most with two workers, 64 with four.
DESCRIPTORS = 18
DESCRIPTORS_EACH = 11


#: Bytes that its threads and buffers map in this process. It starts within 230 MB; within 130 MB,
#: pytest itself gets a MemoryError when it shows why a worker has not started.
MEMORY = 200 * MEGABYTE


def require_room(workers: int) -> None:
    """Raise `BackendError` where a local cluster would run out of descriptors or memory."""
    purpose = f"a dask cluster of {workers} workers"
    require_files(DESCRIPTORS + DESCRIPTORS_EACH * workers, purpose)
    require_memory(MEMORY, purpose)


def missing_distributed() -> str:
    """Return the remedy where the library is not installed, empty where it is."""
    return "" if is_installed("distributed") else _not_imported("it is not installed")


def require_distributed() -> None:
    """Import it, which also brings its part of dask's configuration; raises `BackendError`.

    Its import may raise anything: of versions that do not fit, or because of what test modules have
    done before (it calls `__subclasses__` of all classes of exceptions).
    """
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise BackendError(_not_imported(error)) from error
    except Exception as error:
        raise BackendError(
            f"the import of dask.distributed raises {type(error).__name__}: {error}; if it does "
            f"not in a fresh Python, import it in conftest.py, before the test modules"
        ) from error


def _not_imported(why: object) -> str:
    return (
        f"dask.distributed cannot be imported ({why}); "
        f"install it with: pip install 'pytest-parwork[dask]'"
    )
