"""Cases that change what their worker may do, and what of the system it sees."""

from __future__ import annotations

from functools import partial

from .damage import OWN
from .endless import OVERDUE, TIMEOUT
from .kind import Kind, kind

__all__ = ["KINDS"]

right = partial(kind, "rights", own=OWN)

#: Nobody reads `/proc` of such a process but root.
NOT_DUMPABLE = "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)"

#: Needs root; without, nothing happens.
UNSHARE = """
libc = ctypes.CDLL(None)
NEW_MOUNTS, NEW_PIDS, PRIVATE = 0x20000, 0x20000000, (1 << 14) | (1 << 18)
"""

KINDS: tuple[Kind, ...] = (
    right("not-dumpable", NOT_DUMPABLE, "EQUAL"),
    right(
        "not-dumpable-and-endless",
        f"{NOT_DUMPABLE}\ntime.sleep(600)",
        OVERDUE,
        timeout=TIMEOUT,
    ),
    right(
        "not-dumpable-with-a-child",
        f"""
{NOT_DUMPABLE}
if os.fork() == 0:
    time.sleep(600)
    os._exit(0)
os._exit(1)
""",
        "LOST crash: exit code 1",
    ),
    right(
        "user-changed",
        """
        with suppress(OSError):
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        """,
        "EQUAL",
    ),
    right(
        "root-folder-changed",
        """
        with suppress(OSError):
            os.chroot(HERE)
            os.chdir("/")
        """,
        "EQUAL",
    ),
    right(
        "proc-hidden",
        f"""
{UNSHARE}
if libc.unshare(NEW_MOUNTS) == 0:
    libc.mount(b"none", b"/", None, PRIVATE, None)
    libc.mount(b"tmpfs", b"/proc", b"tmpfs", 0, None)
""",
        "EQUAL",
    ),
    right(
        "child-in-a-namespace",
        f"""
{UNSHARE}
libc.unshare(NEW_PIDS)
if os.fork() == 0:
    time.sleep(600)
    os._exit(0)
os._exit(1)
""",
        "LOST crash: exit code 1",
    ),
    right(
        "child-in-a-namespace-left",
        f"""
{UNSHARE}
libc.unshare(NEW_PIDS)
if os.fork() == 0:
    time.sleep(600)
    os._exit(0)
""",
        "EQUAL",
    ),
    right(
        "name-and-environment-overwritten",  # as setproctitle does
        """
        with open("/proc/self/stat") as file:
            places = [int(word) for word in file.read().rpartition(")")[2].split()[45:49]]
        for start, end in (places[:2], places[2:]):
            ctypes.memset(start, 0, end - start)
        subprocess.Popen(["sleep", "600"])
        """,
        "EQUAL",
    ),
)
