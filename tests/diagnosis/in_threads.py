"""The defects that threads show."""

from __future__ import annotations

from .in_processes import UNSTABLE, around, body, shared
from .planted import planted

RACE = "THREAD_RACE"
CONTEXT = "THREAD_CONTEXT"
HISTORY = "WORKER_HISTORY"

THREADED = planted(
    "threads",
    (
        "current",
        RACE,
        body(
            "for _ in range(200):",
            "    CURRENT[0] = n",
            "    time.sleep(0)",
            "    if CURRENT[0] != n:",
            '        return "another"',
            "return n",
            before="CURRENT = [0]",
        ),
    ),
    (
        "half_made_table",
        RACE,
        body(
            "return get()",
            before="TABLE = []\ndef get():\n    if not TABLE:\n        TABLE.append(None)\n"
            "        time.sleep(0.01)\n        TABLE[0] = 7\n    return TABLE[0]\n",
        ),
    ),
    (
        "shared_buffer",
        RACE,
        body(
            "BUFFER.clear()",
            "for i in range(20):",
            "    BUFFER.append(i)",
            "    time.sleep(0.0005)",
            "return list(BUFFER)",
            before="BUFFER = []",
        ),
    ),
    (
        "shared_object",
        RACE,
        body(
            "return [PARSER.parse(str(n)) for _ in range(30)]",
            before="class Parser:\n    def parse(self, text):\n        self.text = text\n"
            "        time.sleep(0.0005)\n        return int(self.text)\nPARSER = Parser()\n",
        ),
    ),
    (
        "environment_of_threads",
        RACE,
        body(
            "for _ in range(50):",
            '    os.environ["PLANTED"] = str(n)',
            "    time.sleep(0.0005)",
            '    if os.environ["PLANTED"] != str(n):',
            '        return "another"',
            "return n",
        ),
    ),
    (
        "seeded_by_each_case",
        f"{RACE} | GLOBAL_RNG",
        body(
            "random.seed(n)",
            "found = []",
            "for _ in range(20):",
            "    time.sleep(0.0005)",
            "    found.append(random.random())",
            "return found",
        ),
    ),
    (
        "file_of_threads",
        f"{RACE} | SHARED_RESOURCE_RACE",
        body(
            'path = __file__ + ".txt"',
            "for _ in range(20):",
            '    with open(path, "w") as file:',
            "        file.write(str(n))",
            "    time.sleep(0.001)",
            "    with open(path) as file:",
            "        if file.read() != str(n):",
            '            return "another"',
            "return n",
        ),
    ),
    (
        "thread_local",
        CONTEXT,
        body(
            'return getattr(LOCAL, "value", 0)',
            before="LOCAL = threading.local()\nLOCAL.value = 3",
        ),
    ),
    (
        "decimal_of_the_main_thread",
        f"{CONTEXT} (decimal context)",
        around(
            "decimal.getcontext().prec = 5",
            "return str(decimal.Decimal(1) / 3)",
            undo="decimal.getcontext().prec = 28",
        ),
    ),
    (
        "context_variable_of_the_main_thread",
        f"{CONTEXT} | CONTEXT_NOT_PROPAGATED",
        around(
            "LEVEL.set(3)",
            "return LEVEL.get()",
            before='LEVEL = contextvars.ContextVar("l", default=1)',
        ),
    ),
    ("name_of_the_thread", CONTEXT, body("return threading.current_thread().name")),
    ("id_of_the_thread", CONTEXT, body("return threading.get_ident()")),
    (
        "signal_in_a_thread",
        CONTEXT,
        body(
            "import signal",
            "signal.signal(signal.SIGUSR1, signal.SIG_DFL)",
            "return n",
        ),
    ),
    ("clock_in_threads", f"{UNSTABLE} (time)", body("return time.time()")),
    ("uuid_in_threads", f"{UNSTABLE} (os.urandom)", body("return uuid.uuid4().hex")),
    ("generator_in_threads", "GLOBAL_RNG (random)", body("return random.random()")),
    (
        "argument_of_threads",
        f"INPUT_MUTATION | {RACE}",
        shared("[1]", "shared.append(n)", "return len(shared)"),
    ),
    (
        "counter_of_threads",
        f"{HISTORY} | CASE_ORDER",
        body("was = n in SEEN", "SEEN.append(n)", "return n, was", before="SEEN = []"),
    ),
    (
        "first_of_threads",
        f"{HISTORY} | CASE_ORDER",
        body("FIRST.append(n)", "time.sleep(0.02)", "return FIRST[0]", before="FIRST = []").replace(
            "time.sleep(0.02)", "time.sleep(0.02); FIRST[:-4] = []"
        ),
    ),
    ("once_in_threads", "UNREPRODUCED", body("return fails_once(n)")),
)
