"""Cases that print harmful text, or break the streams."""

from __future__ import annotations

from functools import partial

from .kind import Kind, kind

__all__ = ["KINDS"]

output = partial(kind, "output")

KINDS: tuple[Kind, ...] = (
    output("prints-50-mb", "print('x' * 50_000_000)", "EQUAL", on_threads=True),
    output(
        "writes-50-mb",
        """
        for _ in range(500):
            os.write(1, b"x" * 100_000)
        """,
        "EQUAL",
        on_threads=True,
    ),
    output("escapes", r"print('\x1b[2J\x1b]0;owned\x07\x9b31m')", "EQUAL", on_threads=True),
    output("not-text", r"os.write(1, b'\xff\xfe\x00' * 100)", "EQUAL", on_threads=True),
    output(
        "surrogates-printed",
        r"print('\ud800')",
        "EQUAL",
        own=("DIFFERENT: Unicode",),
        on_threads=True,
    ),
    output("stdout-descriptor-closed", "os.close(1)", "EQUAL"),
    output("stderr-descriptor-closed", "os.close(2)", "EQUAL"),
    output("stdin-closed", "os.close(0)", "EQUAL"),
    output(
        "stdout-to-full",
        'os.dup2(os.open("/dev/full", os.O_WRONLY), 1); print("x" * 10_000)',
        "EQUAL",
        own=("DIFFERENT: No space",),
    ),
    output(
        "stdout-over-a-pipe",
        """
        os.dup2(os.pipe()[1], 1)
        os.set_blocking(1, False)
        with suppress(OSError):
            os.write(1, b"x" * 1_000_000)
    """,
        "EQUAL",
    ),
    output(
        "pipe-that-nobody-reads",
        """
        os.dup2(os.pipe()[1], 1)
        os.write(1, b"x" * 1_000_000)
    """,
        "LOST timeout: timed out after 2 s",
        timeout=2,
    ),
    output("detached", "sys.stdout.detach()", "EQUAL", own=("DIFFERENT: detach",)),
    output(
        "stdout-of-its-own",
        "sys.stdout = Deaf()",
        "EQUAL",
        top="""
        class Deaf:
            def write(self, text):
                raise RuntimeError("deaf")
            def flush(self):
                raise RuntimeError("deaf")
    """,
    ),
    output(
        "million-lines",
        """
        for line in range(1_000_000):
            sys.stdout.write(f"{line}\\n")
    """,
        "EQUAL",
        on_threads=True,
    ),
    output(
        "million-warnings",
        """
        for number in range(20_000):
            warnings.warn(f"warning {number}", UserWarning, stacklevel=1)
    """,
        "EQUAL",
        on_threads=True,
    ),
    output("logs-50-mb", 'logging.error("y" * 50_000_000)', "EQUAL", on_threads=True),
    output(
        "log-record-that-raises",
        'logging.getLogger().error("%s", Raising())',
        "EQUAL",
        top="""
        class Raising:
            def __str__(self):
                raise RuntimeError("no text")
    """,
        own=("DIFFERENT: no text",),
        on_threads=True,
    ),
    output(
        "program-prints",
        """
        subprocess.run([sys.executable, "-c", "print('z' * 10_000_000)"])
    """,
        "EQUAL",
        on_threads=True,
    ),
    output(
        "prints-and-dies",
        "print('x' * 10_000_000, flush=True); os._exit(2)",
        "LOST crash: exit code 2",
    ),
    output(
        "program-prints-on",
        """
        subprocess.Popen(["sh", "-c", "while :; do echo still here; done"])
    """,
        "EQUAL",
    ),
)
