"""Cases that damage the files that workers share with pytest's process."""

from __future__ import annotations

from functools import partial

from .kind import Kind, kind

__all__ = ["KINDS"]

#: The case keeps its result, or loses it by its own doing; no other case is affected.
OWN = ("LOST crash: its worker|damaged", "LOST timeout: timed out", "DIFFERENT", "NOT_SENT")

#: Overwritten results are lost for all cases, but must be reported as damaged.
DAMAGED = ("LOST: damaged",)

table = partial(kind, "tables", own=OWN, spoils=DAMAGED, is_ours=True)

#: Functions that find the mappings of this process that are backed by our files.
MAPPED = """
def mappings():
    for line in open("/proc/self/maps"):
        if "/memfd:parwork-" in line:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if " rw-s " in line:
                yield start, end - start, line.split("parwork-")[1].split()[0]

def files():
    for path in glob.glob("/proc/[0-9]*/fd/*"):
        with suppress(OSError):
            if os.readlink(path).startswith("/memfd:parwork-"):
                if os.getsid(int(path.split("/")[2])) == os.getsid(0):
                    yield path
"""

KINDS: tuple[Kind, ...] = (
    table(
        "mappings-closed",
        """
        for found in gc.get_objects():
            if isinstance(found, (memoryview,)):
                with suppress(Exception):
                    found.release()
        for found in gc.get_objects():
            if isinstance(found, mmap.mmap):
                with suppress(Exception):
                    found.close()
    """,
        "EQUAL",
    ),
    table(
        "mappings-zeroed",
        """
        for start, length, name in mappings():
            ctypes.memset(start, 0, length)
    """,
        "EQUAL",
        top=MAPPED,
    ),
    table(
        "mappings-filled",
        """
        for start, length, name in mappings():
            ctypes.memset(start, 255, length)
    """,
        "EQUAL",
        top=MAPPED,
    ),
    table(
        "ledger-zeroed",
        """
        for start, length, name in mappings():
            if "ledger" in name:
                ctypes.memset(start, 0, length)
    """,
        "EQUAL",
        top=MAPPED,
    ),
    table(
        "ledger-filled",
        """
        for start, length, name in mappings():
            if "ledger" in name:
                ctypes.memset(start, 255, length)
    """,
        "EQUAL",
        top=MAPPED,
    ),
    table(
        "ledger-says-stored",
        """
        for start, length, name in mappings():
            if "ledger" in name:
                for row in range(start + 64, start + length - 63, 64):
                    ctypes.memset(row, 0, 64)
                    ctypes.memset(row, 4, 1)
    """,
        "EQUAL",
        top=MAPPED,
    ),
    table(
        "files-truncated",
        """
        for path in list(files()):
            with suppress(OSError):
                os.truncate(path, 0)
    """,
        "EQUAL",
        top=MAPPED,
    ),
    table(
        "files-filled",
        """
        for path in list(files()):
            with suppress(OSError), open(path, "r+b", buffering=0) as file:
                file.write(b"\\xff" * os.fstat(file.fileno()).st_size)
    """,
        "EQUAL",
        top=MAPPED,
    ),
    table(
        "files-zeroed",
        """
        for path in list(files()):
            with suppress(OSError), open(path, "r+b", buffering=0) as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
    """,
        "EQUAL",
        top=MAPPED,
    ),
    table(
        "journals-removed",
        """
        for path in glob.glob(os.path.join(tempfile.gettempdir(), "parwork-*")):
            shutil.rmtree(path, ignore_errors=True)
    """,
        "EQUAL",
    ),
    table(
        "journals-filled",
        """
        folders = os.path.join(tempfile.gettempdir(), "parwork-*")
        for path in glob.glob(os.path.join(folders, "**"), recursive=True):
            with suppress(OSError):
                open(path, "wb").write(b"\\xff" * 4096)
    """,
        "EQUAL",
    ),
    table(
        "temporary-files-removed",
        """
        for path in glob.glob(os.path.join(tempfile.gettempdir(), "*")):
            shutil.rmtree(path, ignore_errors=True)
    """,
        "EQUAL",
    ),
)
