"""The defects that processes show."""

from __future__ import annotations

from .planted import planted


def body(*lines: str, before: str = "") -> str:
    """Return a test of these lines, after what its module holds."""
    return "\n".join([before, "@cases", "def test_it(n):", *(f"    {line}" for line in lines)])


def shared(value: str, *lines: str) -> str:
    """Return a test of these lines with a value that all cases share."""
    fixture = f'@pytest.fixture(scope="module")\ndef shared():\n    return {value}\n'
    return body(*lines, before=fixture).replace("test_it(n)", "test_it(shared, n)")


def around(change: str, *lines: str, before: str = "", undo: str = "pass") -> str:
    """Return a test of these lines, with a change in pytest's process around all cases."""
    fixture = (
        f'{before}\n@pytest.fixture(scope="module")\ndef changed():\n    {change}\n    yield\n'
        f"    {undo}\n"
    )
    return body(*lines, before=fixture).replace("test_it(n)", "test_it(changed, n)")


#: What earlier cases leave: which of both it is depends on the case that differs first.
ORDER = "WORKER_HISTORY | CASE_ORDER"
UNSTABLE = "NONDETERMINISTIC_FUNCTION"

SPAWNED = planted(
    "processes:spawn",
    ("random", "GLOBAL_RNG (random)", body("return random.random()")),
    ("shuffle", "GLOBAL_RNG (random)", body("a = list(range(9))", "random.shuffle(a)", "return a")),
    ("numpy_legacy", "GLOBAL_RNG (numpy.random)", body("return np.random.rand(3)")),
    (
        "both_generators",
        "GLOBAL_RNG (random and numpy.random)",
        body("return random.random() + np.random.rand()"),
    ),
    (
        "seeded_at_import",
        "GLOBAL_RNG (random)",
        body("return random.randrange(10**9)", before="random.seed(5)"),
    ),
    ("own_generator", ORDER, body("return RNG.random()", before="RNG = random.Random(1)")),
    (
        "own_numpy_generator",
        ORDER,
        body("return RNG.normal(size=2)", before="RNG = np.random.default_rng(1)"),
    ),
    ("pid", "PROCESS_IDENTITY (os.getpid)", body("return os.getpid()")),
    (
        "path_with_pid",
        "PROCESS_IDENTITY (os.getpid)",
        body('return {"path": f"/tmp/run-{os.getpid()}"}'),
    ),
    ("clock", f"{UNSTABLE} (time)", body("return time.time()")),
    ("nanoseconds", f"{UNSTABLE} (time)", body("return [n, time.perf_counter_ns()]")),
    ("datetime", f"{UNSTABLE} (time)", body("return datetime.datetime.now().isoformat()")),
    ("uuid", f"{UNSTABLE} (os.urandom)", body("return str(uuid.uuid4())")),
    ("secrets", f"{UNSTABLE} (os.urandom)", body("return secrets.token_hex(8)")),
    ("unseeded", f"{UNSTABLE} (os.urandom)", body("return random.Random().random()")),
    (
        "unstable_coin",
        f"{UNSTABLE} (os.urandom) | {UNSTABLE} | UNREPRODUCED",
        body("return os.urandom(1)[0] < 128").replace(
            "cases\n", "functools.partial(cases, count=12)\n"
        ),
    ),
    ("address", "PROCESS_IDENTITY", body("return repr(SHARED)", before="SHARED = object()")),
    ("order_of_a_set", "HASH_SEED", body('return list({"a", "b", "c", "d", "e", "f"})')),
    ("hash_of_a_string", "HASH_SEED", body('return hash("abc") % 1000')),
    ("pop_of_a_set", "HASH_SEED", body("return {str(i) for i in range(50)}.pop()")),
    (
        "dictionary_from_a_set",
        "HASH_SEED",
        body('return ",".join({k: 1 for k in {"aa", "bb", "cc", "dd", "ee"}})'),
    ),
    ("counter", ORDER, body("SEEN.append(n)", "return len(SEEN)", before="SEEN = []")),
    (
        "attribute_of_a_class",
        ORDER,
        body("Model.calls += 1", "return Model.calls", before="class Model:\n    calls = 0\n"),
    ),
    (
        "mutable_default",
        ORDER,
        body(
            "return list(add(n))",
            before="def add(n, found=[]):\n    found.append(n)\n    return found\n",
        ),
    ),
    ("count", ORDER, body("return next(IDS)", before="IDS = itertools.count()")),
    (
        "cache_without_key",
        ORDER,
        body('return CACHE.setdefault("value", n * n)', before="CACHE = {}"),
    ),
    (
        "environment_of_a_case",
        ORDER,
        body(
            "if n == 0:",
            '    os.environ["PLANTED"] = "1"',
            'return os.environ.get("PLANTED")',
            before='os.environ.pop("PLANTED", None)',
        ),
    ),
    (
        "two_polluting_cases",
        ORDER,
        body(
            "SEEN.add(n)",
            "return n == 3 and {0, 1} <= SEEN",
            before="SEEN = set()",
        ),
    ),
    (
        "three_polluting_cases",
        ORDER,
        body(
            "SEEN.add(n)",
            "return n > 6 and {0, 2, 5} <= SEEN",
            before="SEEN = set()",
        ).replace("cases\n", "functools.partial(cases, count=9)\n"),
    ),
    (
        "serial_value_is_polluted",
        "CASE_ORDER | WORKER_HISTORY",
        body(
            "was, STATE[0] = STATE[0], n + 1",
            "return n if was in (0, n) else n * 1000",
            before="STATE = [0]",
        ).replace("(n):\n", "(n):\n    time.sleep(0.01)\n"),
    ),
    ("list_as_argument", "INPUT_MUTATION", shared("[1]", "shared.append(n)", "return len(shared)")),
    (
        "array_as_argument",
        "INPUT_MUTATION",
        shared("np.zeros(3)", "shared += 1", "return shared.sum()"),
    ),
    (
        "dictionary_as_argument",
        "INPUT_MUTATION",
        shared("dict.fromkeys(range(9))", "shared.popitem()", "return sorted(shared)"),
    ),
    (
        "sorted_argument",
        "INPUT_MUTATION",
        shared("[3, 1, 2]", "first = shared[0]", "shared.sort()", "return first"),
    ),
    (
        "decimal_precision",
        "CONTEXT_NOT_PROPAGATED (decimal context)",
        around(
            "decimal.getcontext().prec = 5",
            "return str(decimal.Decimal(1) / 3)",
            undo="decimal.getcontext().prec = 28",
        ),
    ),
    (
        "error_state",
        "CONTEXT_NOT_PROPAGATED (numpy error state)",
        around(
            'old = np.seterr(divide="raise")',
            "return float(np.float64(1) / np.float64(0))",
            undo="np.seterr(**old)",
        ),
    ),
    (
        "print_options",
        "CONTEXT_NOT_PROPAGATED (numpy print options)",
        around(
            "np.set_printoptions(precision=3)",
            "return str(np.array([1 / 3]))",
            undo="np.set_printoptions(precision=8)",
        ),
    ),
    (
        "recursion_limit",
        "CONTEXT_NOT_PROPAGATED (recursion limit)",
        around(
            "sys.setrecursionlimit(3000)",
            "return sys.getrecursionlimit()",
            undo="sys.setrecursionlimit(1000)",
        ),
    ),
    (
        "global_of_a_fixture",
        "GLOBAL_STATE_NOT_PROPAGATED",
        around("global SCALE; SCALE = 3", "return n * SCALE + SCALE", before="SCALE = 1"),
    ),
    (
        "global_of_a_helper",
        "GLOBAL_STATE_NOT_PROPAGATED",
        around(
            'SETTINGS["scale"] = 3',
            "return scaled(n)",
            before='SETTINGS = {"scale": 1}\n'
            'def scaled(n):\n    return (n + 1) * SETTINGS["scale"]\n',
        ),
    ),
    (
        "attribute_of_a_fixture",
        "GLOBAL_STATE_NOT_PROPAGATED",
        around("Config.level = 3", "return Config.level", before="class Config:\n    level = 1\n"),
    ),
    (
        "context_variable",
        "CONTEXT_NOT_PROPAGATED",
        around(
            "LEVEL.set(3)",
            "return LEVEL.get()",
            before='LEVEL = contextvars.ContextVar("l", default=1)',
        ),
    ),
    (
        "attribute_of_a_function",
        "PROCESS_ISOLATION",
        around(
            "scaled.factor = 3",
            "return scaled(n)",
            before="def scaled(n):\n    return n + scaled.factor\nscaled.factor = 1\n",
        ),
    ),
    (
        "module_made_by_a_fixture",
        "PROCESS_ISOLATION",
        around(
            'sys.modules["planted"] = type(sys)("planted")',
            'return n, "planted" in sys.modules',
            undo='del sys.modules["planted"]',
        ),
    ),
    (
        "one_file_for_all",
        "SHARED_RESOURCE_RACE",
        body(
            'path = __file__ + ".txt"',
            "for _ in range(20):",
            '    with open(path, "w") as file:',
            "        file.write(str(n))",
            "    time.sleep(0.003)",
            "    with open(path) as file:",
            "        found = file.read()",
            "    if found != str(n):",
            '        return "another"',
            "return n",
        ),
    ),
    (
        "one_folder_for_all",
        "SHARED_RESOURCE_RACE",
        body(
            'path = __file__ + ".d"',
            "for _ in range(20):",
            "    os.mkdir(path)",
            "    time.sleep(0.003)",
            "    os.rmdir(path)",
            "return n",
        ),
    ),
    (
        "lasting_file",
        f"SHARED_RESOURCE_RACE | {UNSTABLE} (file)",
        body(
            'with open(__file__ + ".log", "a+") as file:',
            '    file.write("x")',
            "    return file.tell()",
        ),
    ),
    (
        "state_lost_by_pickle",
        "SERIALIZATION (input)",
        shared("Model(3)", "return shared.cache.get('scale', 0) * n + n").replace(
            "@pytest.fixture",
            "class Model:\n    def __init__(self, scale):\n        self.cache = {'scale': scale}\n"
            "    def __getstate__(self):\n        return {'cache': {}}\n@pytest.fixture",
        ),
    ),
    (
        "sentinel_lost_by_pickle",
        "SERIALIZATION (input)",
        shared("[MISSING, 1]", "return [one is MISSING for one in shared]").replace(
            "@pytest.fixture",
            "class Marker:\n    def __init__(self):\n        self.uses = 0\n"
            "MISSING = Marker()\n@pytest.fixture",
        ),
    ),
    (
        "result_lost_by_pickle",
        "SERIALIZATION (output)",
        body(
            "return Result(n)",
            before="class Result:\n    def __init__(self, n):\n        self.n, self.memo = n, 1\n"
            "    def __getstate__(self):\n        return {'n': self.n, 'memo': None}\n"
            "    def __eq__(self, other):\n        return vars(self) == vars(other)\n",
        ),
    ),
    (
        "pid_and_clock",
        f"PROCESS_IDENTITY | {UNSTABLE}",
        body("return os.getpid(), time.time()"),
    ),
    (
        "generator_and_clock",
        f"GLOBAL_RNG | {UNSTABLE}",
        body("return random.random(), time.time_ns()"),
    ),
    (
        "set_and_counter",
        f"HASH_SEED | {ORDER}",
        body(
            "SEEN.append(n)",
            'return [*{"a", "b", "c", "d", "e"}, len(SEEN)]',
            before="SEEN = []",
        ),
    ),
    ("once", "UNREPRODUCED", body("return fails_once(n)")),
    (
        "memory_that_forks_share",
        f"{ORDER} | WORKER_HISTORY (shared memory)",
        body(
            "MAP[0] = MAP[0] + 1",
            "return MAP[0]",
            before="import mmap\nMAP = mmap.mmap(-1, 16)\n",
        ),
    ),
    (
        "file_named_by_the_second",
        f"SHARED_RESOURCE_RACE | UNREPRODUCED | {UNSTABLE} (file) | {UNSTABLE} (time)",
        body(
            'path = f"{__file__}.{int(time.time())}"',
            'with open(path, "a") as file:',
            '    file.write("x" * (n + 1))',
            "time.sleep(0.01)",
            "return os.path.getsize(path)",
        ),
    ),
)

FORKED = planted(
    "processes:fork",
    ("forked_pid", "PROCESS_IDENTITY (os.getpid)", body("return os.getpid() % 1000")),
    ("forked_generator", "GLOBAL_RNG (random)", body("return random.random()")),
    ("forked_counter", ORDER, body("SEEN.append(n)", "return len(SEEN)", before="SEEN = []")),
    (
        "position_that_forks_share",
        f"SHARED_RESOURCE_RACE | {UNSTABLE} (file) | UNEXPLAINED",
        body(
            "return os.read(FILE, 1)",
            before="FILE = os.open(__file__, os.O_RDONLY)",
        ),
    ),
)
