"""Results that resist being sent, loaded, compared or shown."""

from __future__ import annotations

from functools import partial

from .kind import Kind, kind

__all__ = ["HOSTILE", "KINDS", "special"]

result = partial(kind, "results", on_threads=True)

#: The reading of a result that cannot be sent, on processes; threads need not send it.
UNSENT = (
    "DIFFERENT: pickle|serialis|sent",
    "NOT_SENT: pickle|serialis|sent",
    "DIFFERENT: threads-2 ",
)

HOSTILE = """
class Hostile:
    def __init__(self, name):
        self.name = name

def never(*args, **keywords):
    time.sleep(600)

def raising(*args, **keywords):
    raise RuntimeError("as it was made")
"""


def special(method: str, act: str) -> str:
    """Return a class with this special method."""
    return f"{HOSTILE}\nHostile.{method} = {act}\n"


KINDS: tuple[Kind, ...] = (
    result("lambda", "return lambda: 3", "DIFFERENT", "NOT_SENT"),
    result("generator", "return (x for x in 'abc')", *UNSENT),
    result("lock-result", "return threading.Lock()", *UNSENT),
    result("open-file", "return open(os.devnull)", *UNSENT),
    result("module", "return os", "DIFFERENT", "NOT_SENT"),
    result("local-class", "return type('Local', (), {})()", "DIFFERENT", "NOT_SENT"),
    result("nothing", "return None", "DIFFERENT: None"),
    result(
        "deep-in-a-list",
        "return [[object() for _ in range(20_000)], {'here': threading.Lock()}]",
        *UNSENT,
        timeout=10,
    ),
    result(
        "loading-raises",
        "return Hostile('x')",
        "NOT_SENT: load|unpickl|as it was made",
        top=f"{HOSTILE}\nHostile.__reduce__ = lambda self: (raising, ())",
        on_threads=False,
    ),
    result(
        "loading-exits",
        "return Hostile('x')",
        "NOT_SENT: load|unpickl|as it was made",
        top=f"{HOSTILE}\nHostile.__reduce__ = lambda self: (os._exit, (3,))",
        ends_pytest=3,
        on_threads=False,
    ),
    result(
        "loading-quits",
        "return Hostile('x')",
        "NOT_SENT: SystemExit|load|unpickl",
        top=f"{HOSTILE}\nHostile.__reduce__ = lambda self: (sys.exit, (3,))",
        on_threads=False,
    ),
    result(
        "loading-never-returns",
        "return Hostile('x')",
        "DIFFERENT: load|timed out",
        "LOST timeout: load|timed out",
        top=f"{HOSTILE}\nHostile.__reduce__ = lambda self: (time.sleep, (600,))",
        timeout=2,
        on_threads=False,
    ),
    result(
        "storing-exits",
        "return Hostile('x')",
        "LOST crash: exit code 3",
        "DIFFERENT",
        top=special("__reduce__", "lambda self: os._exit(3) if W() else (int, ())"),
        on_threads=False,
    ),
    result(
        "storing-kills",
        "return Hostile('x')",
        "LOST crash: SIGKILL",
        top=special("__reduce__", "lambda self: os.kill(os.getpid(), 9)"),
        on_threads=False,
    ),
    result(
        "storing-quits",
        "return Hostile('x')",
        "DIFFERENT",
        "NOT_SENT",
        top=special("__reduce__", "lambda self: sys.exit(3)"),
        on_threads=False,
    ),
    result(
        "storing-interrupts",
        "return Hostile('x')",
        "DIFFERENT",
        "NOT_SENT",
        top=special("__reduce__", "lambda self: (_ for _ in ()).throw(KeyboardInterrupt)"),
        on_threads=False,
    ),
    result(
        "eq-raises",
        "return Hostile('x')",
        "DIFFERENT: as it was made|equal",
        top=special("__eq__", "raising"),
        is_everywhere=True,
    ),
    result(
        "eq-never-returns",
        "return Hostile('x')",
        "DIFFERENT: timed out|compar",
        "LOST timeout: timed out|compar",
        top=special("__eq__", "never"),
        is_everywhere=True,
        timeout=2,
    ),
    result(
        "eq-exits",
        "return Hostile('x')",
        "DIFFERENT",
        top=special("__eq__", "lambda self, other: sys.exit(3)"),
        is_everywhere=True,
    ),
    result(
        "eq-lies",
        "return Hostile('x' if W() else 'y')",
        "EQUAL",
        "DIFFERENT",
        top=special("__eq__", "lambda self, other: True"),
        is_everywhere=True,
    ),
    result(
        "hash-never-returns",
        "return [Hostile('x')]",
        "EQUAL",
        "DIFFERENT",
        top=special("__hash__", "never"),
        is_everywhere=True,
        timeout=2,
    ),
    result(
        "nothing-returns",
        "return Hostile('x')",
        "DIFFERENT: timed out|compar",
        "LOST timeout: timed out|compar|delet",
        top=f"""
{HOSTILE}
def never_here(*args):
    return None if W() else time.sleep(600)

for name in ("eq", "hash", "repr", "str", "bool", "len", "iter", "del"):
    setattr(Hostile, f"__{{name}}__", never_here)
""",
        is_everywhere=True,
        timeout=2,
    ),
    result(
        "hash-never-returns-on-loading",
        "return {Hostile('x')} if W() else {Hostile}",
        "DIFFERENT: load|timed out",
        "LOST timeout: load|timed out",
        top=special("__hash__", "lambda self: 1 if W() else time.sleep(600)"),
        timeout=2,
        on_threads=False,
    ),
    result(
        "bool-raises",
        "return Hostile('x')",
        "EQUAL",
        "DIFFERENT",
        top=special("__bool__", "raising"),
        is_everywhere=True,
    ),
    result("repr-raises", "return Hostile('x')", "DIFFERENT", top=special("__repr__", "raising")),
    result(
        "repr-never-returns",
        "return Hostile('x')",
        "DIFFERENT",
        "LOST timeout",
        top=special("__repr__", "never"),
        timeout=2,
    ),
    result(
        "repr-exits",
        "return Hostile('x')",
        "DIFFERENT",
        top=special("__repr__", "lambda self: sys.exit(3)"),
    ),
    result(
        "getattribute-raises",
        "return Hostile('x')",
        "DIFFERENT",
        "NOT_SENT",
        top=special("__getattribute__", "raising"),
    ),
    result(
        "getattr-always-gives",
        "return Hostile('x')",
        "DIFFERENT",
        "NOT_SENT",
        "LOST timeout",
        top=special("__getattr__", "lambda self, name: self"),
        timeout=3,
    ),
    result(
        "lying-class",
        "return Hostile('x')",
        "DIFFERENT",
        "NOT_SENT",
        top="""
        class Hostile:
            name = "x"
            __class__ = property(lambda self: dict)
            __init__ = lambda self, name: None
        """,
    ),
    result(
        "lying-length",
        "return Lying('abc')",
        "DIFFERENT",
        "EQUAL",
        top="""
        class Lying(list):
            __len__ = lambda self: 1 << 62
        """,
        is_everywhere=True,
    ),
    result(
        "endless-sequence",
        "return Endless([1, 2])",
        "EQUAL",
        "DIFFERENT",
        "LOST timeout",
        "NOT_SENT",
        top="""
        class Endless(list):
            def __iter__(self):
                return itertools.repeat(1)
        """,
        is_everywhere=True,
        timeout=3,
    ),
    result("huge", "return bytes([n]) * 200_000_000", "EQUAL", is_everywhere=True),
    result(
        "deeply-nested",
        """
        nested = []
        for _ in range(100_000):
            nested = [nested]
        return nested
        """,
        "DIFFERENT: recursion|pickle|deep|nested",
        "NOT_SENT: recursion|pickle|deep|nested",
        "EQUAL",
        is_everywhere=True,
    ),
    result(
        "in-itself",
        """
        ring = [n]
        ring.append(ring)
        return ring
        """,
        "EQUAL",
        is_everywhere=True,
    ),
    result("not-a-number", "return [float('nan'), -0.0]", "EQUAL", is_everywhere=True),
    result("surrogates", r"return '\ud800\x00\u202e'", "EQUAL", is_everywhere=True),
    result(
        "storing-forks",
        "return Hostile('x')",
        "DIFFERENT",
        top=special("__reduce__", "lambda self: (str, (os.fork() and 'x' or 'y',))"),
        on_threads=False,
    ),
    result(
        "storing-closes-descriptors",
        "return Hostile('x')",
        "DIFFERENT",
        "NOT_SENT",
        "LOST crash",
        top=special("__reduce__", "lambda self: (str, (str(os.closerange(3, 4096)),))"),
        on_threads=False,
    ),
    result(
        "storing-raises-what-raises",
        "return Hostile('x')",
        "NOT_SENT: Hostile",
        top=f"""
{HOSTILE}
Shy = type("Shy", (Exception,), {{"__getattribute__": raising, "__str__": sys.exit}})

def refuse(self):
    raise Shy

Hostile.__reduce__ = refuse
""",
        on_threads=False,
    ),
    result(
        "reduced-to-nonsense",
        "return Hostile('x')",
        "NOT_SENT: Hostile",
        top=special("__reduce__", "lambda self: 5"),
        on_threads=False,
    ),
    result(
        "of-a-metaclass-that-raises",
        "return Hostile()",
        "DIFFERENT",
        "NOT_SENT",
        top="""
        class Shy(type):
            def __getattribute__(cls, name):
                raise RuntimeError("no attribute")

        Hostile = Shy("Hostile", (), {})
        """,
    ),
)
