"""Exceptions that resist being sent, loaded or shown."""

from __future__ import annotations

from functools import partial

from .kind import Kind, kind
from .results import HOSTILE, special

__all__ = ["KINDS"]

error = partial(kind, "exceptions", on_threads=True)

KINDS: tuple[Kind, ...] = (
    error(
        "cannot-be-pickled",
        "raise Locked()",
        "DIFFERENT: Locked",
        top="""
        class Locked(Exception):
            def __init__(self):
                self.lock = threading.Lock()
    """,
    ),
    error(
        "cannot-be-loaded",
        "raise Picky(1, 2)",
        "DIFFERENT: Picky",
        top="""
        class Picky(Exception):
            def __init__(self, one, two):
                super().__init__(f"{one} and {two}")
    """,
    ),
    error(
        "str-raises",
        "raise Hostile('x')",
        "DIFFERENT: Hostile",
        top=special("__str__", "raising").replace("class Hostile:", "class Hostile(Exception):"),
    ),
    error(
        "str-and-repr-raise",
        "raise Hostile('x')",
        "DIFFERENT: Hostile",
        top=special("__str__ = Hostile.__repr__", "raising").replace(
            "class Hostile:", "class Hostile(Exception):"
        ),
    ),
    error(
        "str-never-returns",
        "raise Hostile('x')",
        "LOST timeout",
        "DIFFERENT: Hostile",
        top=special("__str__", "never").replace("class Hostile:", "class Hostile(Exception):"),
        timeout=2,
    ),
    error(
        "str-exits",
        "raise Hostile('x')",
        "DIFFERENT: Hostile",
        top=special("__str__", "lambda self: sys.exit(3)").replace(
            "class Hostile:", "class Hostile(Exception):"
        ),
    ),
    error(
        "loading-the-exception-raises",
        "raise Hostile('x')",
        "DIFFERENT: Hostile",
        top=f"{HOSTILE}\nHostile.__reduce__ = lambda self: (raising, ())".replace(
            "class Hostile:", "class Hostile(Exception):"
        ),
    ),
    error(
        "loading-the-exception-never-returns",
        "raise Hostile('x')",
        "DIFFERENT: Hostile",
        "LOST timeout",
        top=f"{HOSTILE}\nHostile.__reduce__ = lambda self: (time.sleep, (600,))".replace(
            "class Hostile:", "class Hostile(Exception):"
        ),
        timeout=2,
    ),
    error(
        "argument-never-compares",
        "raise ValueError(Hostile('x'))",
        "DIFFERENT: timed out|compar",
        "LOST timeout: timed out|compar",
        top=f"{special('__eq__', 'never')}\nHostile.__repr__ = lambda self: 'it'",
        is_everywhere=True,
        timeout=2,
    ),
    error("text-of-100-mb", "raise ValueError('x' * 100_000_000)", "DIFFERENT: ValueError"),
    error(
        "control-characters",
        r"raise ValueError('\x1b[2J\x1b]0;owned\x07 \u202e \r gone')",
        "DIFFERENT: ValueError",
    ),
    error(
        "deep-recursion",
        "raise_deeply(0)",
        "DIFFERENT: RecursionError",
        top="""
        def raise_deeply(depth):
            raise_deeply(depth + 1)
    """,
    ),
    error(
        "cause-in-a-ring",
        """
        error = ValueError("ring")
        other = KeyError("other")
        error.__cause__ = other
        other.__cause__ = error
        raise error
    """,
        "DIFFERENT: ValueError",
    ),
    error(
        "long-chain",
        """
        try:
            raise ValueError("first")
        except ValueError as error:
            last = error
        for number in range(3000):
            new = ValueError(str(number))
            new.__cause__ = last
            last = new
        raise last
    """,
        "DIFFERENT: ValueError",
    ),
    error(
        "base-exception",
        "raise Base('enough')",
        "DIFFERENT: Base",
        top="""
        class Base(BaseException):
            pass
    """,
    ),
    error("stop-iteration", "raise StopIteration(3)", "DIFFERENT: StopIteration"),
    error("skip-there", "pytest.skip('only there')", "DIFFERENT: skip"),
    error("broken-pipe", "raise BrokenPipeError(32, 'as if')", "DIFFERENT: BrokenPipe"),
    error("memory-error", "raise MemoryError('as if')", "DIFFERENT: MemoryError"),
    error("eof", "raise EOFError", "DIFFERENT: EOFError"),
    error(
        "attributes-raise",
        "raise Hostile",
        "DIFFERENT: Hostile",
        top=f"""
{HOSTILE}
Hostile = type("Hostile", (Exception,), {{"__getattribute__": raising}})
""",
    ),
    error(
        "class-raises",
        "raise Hostile",
        "DIFFERENT: Hostile",
        top=f"""
{HOSTILE}
Hostile = type("Hostile", (Exception,), {{"__class__": property(raising)}})
""",
    ),
    error(
        "metaclass-raises",
        "raise Hostile",
        "DIFFERENT: Hostile",
        top="""
        # As the error advises: the import of dask asks all classes of exceptions for attributes.
        with __import__("contextlib").suppress(ImportError):
            import distributed

        class Shy(type):
            def __getattribute__(cls, name):
                raise RuntimeError("no attribute")

        Hostile = Shy("Hostile", (Exception,), {})
        """,
    ),
    error(
        "nonsense-in-a-syntax-error",
        "raise SyntaxError('bad', (5, 'one', object(), 7))",
        "DIFFERENT: SyntaxError",
    ),
    error(
        "not-in-any-encoding",
        r"raise ValueError('\ud800\x00\x1b\ufffe')",
        "DIFFERENT: ValueError",
    ),
    error(
        "group-of-groups",
        """
        error = ValueError("inner")
        for number in range(500):
            error = Group(str(number), [error, KeyError(number)])
        raise error
        """,
        "DIFFERENT: ExceptionGroup",
        top="""
        Group = getattr(builtins, "ExceptionGroup", None)
        if Group is None:
            from exceptiongroup import ExceptionGroup as Group
        """,
    ),
    error("xfail-there", "pytest.xfail('only there')", "DIFFERENT: only there"),
    error("cancelled", "raise asyncio.CancelledError('as if')", "DIFFERENT: CancelledError"),
    error(
        "future-cancelled",
        "raise concurrent.futures.CancelledError('as if')",
        "DIFFERENT: CancelledError",
    ),
    error(
        "pool-broken",
        """
        from concurrent.futures.process import BrokenProcessPool
        raise BrokenProcessPool("as if")
        """,
        "DIFFERENT: BrokenProcessPool",
    ),
    error(
        "worker-terminated",
        """
        from joblib.externals.loky.process_executor import TerminatedWorkerError
        raise TerminatedWorkerError("as if")
        """,
        "DIFFERENT: TerminatedWorkerError",
    ),
    error(
        "worker-of-dask-killed",
        """
        from distributed import KilledWorker
        raise KilledWorker("task", None, 3)
        """,
        "DIFFERENT: KilledWorker",
        needs="distributed",
    ),
    error(
        "to-be-rescheduled",
        """
        from distributed import Reschedule
        raise Reschedule
        """,
        "DIFFERENT: Reschedule",
        needs="distributed",
    ),
    error("timed-out", "raise TimeoutError('as if')", "DIFFERENT: TimeoutError"),
    error("connection-reset", "raise ConnectionResetError(104, 'as if')", "DIFFERENT: Connection"),
)
