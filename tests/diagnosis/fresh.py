"""More defects, of kinds that look like one another, and clean functions that look guilty."""

from __future__ import annotations

from .in_processes import ORDER, UNSTABLE, around, body, shared
from .in_variants import COUNTED, varied
from .planted import Planted, planted

CONTEXT = "CONTEXT_NOT_PROPAGATED"
RACE = "THREAD_RACE"
RESOURCE = "SHARED_RESOURCE_RACE"

#: What a library keeps, and what a process is.
OF_PROCESSES = (
    (
        "registry_of_subclasses",
        ORDER,
        body(
            "type(f'Sub{n}', (Base,), {})",
            "return len(Base.known)",
            before="class Base:\n    known = []\n    def __init_subclass__(cls):\n"
            "        Base.known.append(cls)\n",
        ),
    ),
    (
        "cached_list_that_is_changed",
        ORDER,
        body(
            "table().append(n)",
            "return len(table())",
            before="@functools.lru_cache\ndef table():\n    return []\n",
        ),
    ),
    (
        "table_filled_by_the_first",
        ORDER,
        body(
            "if not TABLE:",
            "    TABLE.extend(range(n, n + 3))",
            "return TABLE[0]",
            before="TABLE = []",
        ),
    ),
    (
        "pool_of_objects",
        ORDER,
        body("one = POOL.pop(0)", "POOL.append(one)", "return one", before="POOL = list('abcdef')"),
    ),
    (
        "reloaded_module",
        ORDER,
        body(
            "import colorsys, importlib",
            "colorsys.uses = getattr(colorsys, 'uses', 0) + 1",
            "importlib.reload(colorsys)",
            "return colorsys.uses",
        ),
    ),
    (
        "database_in_memory",
        ORDER,
        body(
            "DB.execute('insert into t values (?)', (n,))",
            "return DB.execute('select count(*) from t').fetchone()[0]",
            before="import sqlite3\nDB = sqlite3.connect(':memory:')\n"
            "DB.execute('create table t (n)')\n",
        ),
    ),
    (
        "context_variable_of_a_case",
        ORDER,
        body(
            "was = LEVEL.get()",
            "LEVEL.set(n + 1)",
            "return was",
            before='LEVEL = contextvars.ContextVar("l", default=0)',
        ),
    ),
    (
        "precision_of_a_case",
        ORDER,
        body(
            "decimal.getcontext().prec -= 1",
            "return str(decimal.Decimal(1) / 3)",
        ),
    ),
    (
        "error_state_of_a_case",
        ORDER,
        body("was = np.geterr()['over']", "np.seterr(over='ignore')", "return was"),
    ),
    (
        "state_in_a_closure",
        ORDER,
        body(
            "return DRAW()",
            before="def make():\n    state = 1\n    def draw():\n        nonlocal state\n"
            "        state = state * 16807 % 2147483647\n        return state\n    return draw\n"
            "DRAW = make()\n",
        ),
    ),
    (
        "counter_and_generator",
        f"{ORDER} | GLOBAL_RNG (random)",
        body("SEEN.append(n)", "return len(SEEN), random.random()", before="SEEN = []"),
    ),
    (
        "order_of_insertion",
        ORDER,
        body("KNOWN[n] = 1", "return next(iter(KNOWN))", before="KNOWN = {}"),
    ),
    (
        "iterator_as_argument",
        "INPUT_MUTATION",
        shared("iter(range(10))", "return next(shared)"),
    ),
    (
        "deque_as_argument",
        "INPUT_MUTATION",
        shared("__import__('collections').deque(range(9))", "return shared.popleft()"),
    ),
    (
        "key_by_hash",
        "HASH_SEED",
        body("return sorted(['a', 'b', 'c', 'd', 'e', 'f'], key=hash)"),
    ),
    (
        "set_of_strings_as_argument",
        "HASH_SEED | SERIALIZATION (input)",
        shared("{'a', 'b', 'c', 'd', 'e', 'f', 'g'}", "return list(shared)"),
    ),
    (
        "set_and_pid",
        "HASH_SEED | PROCESS_IDENTITY | NONDETERMINISTIC_FUNCTION",
        body("return list({'a', 'b', 'c', 'd', 'e', 'f'}), os.getpid()"),
    ),
    (
        "set_that_was_large",
        "SERIALIZATION (input)",
        shared("made()", "return list(shared)").replace(
            "@pytest.fixture",
            "def made():\n    found = set(range(1001))\n"
            "    found.difference_update(range(4, 1000), range(3))\n    return found\n"
            "@pytest.fixture",
        ),
    ),
    ("parent", "PROCESS_IDENTITY", body("return os.getppid()")),
    ("processor_time", f"{UNSTABLE} (time)", body("return time.process_time()")),
    (
        "temporary_name",
        f"{UNSTABLE} (os.urandom) | PROCESS_IDENTITY",
        body("return tempfile.mktemp()"),
    ),
    ("address_of_a_new_object", f"{UNSTABLE} | PROCESS_IDENTITY", body("return id(object())")),
    (
        "name_of_the_process",
        "PROCESS_ISOLATION | PROCESS_IDENTITY",
        body("import multiprocessing", "return multiprocessing.current_process().name"),
    ),
    (
        "level_of_a_logger",
        f"{CONTEXT} (logging levels)",
        around(
            'logging.getLogger("app").setLevel("DEBUG")',
            'return n, logging.getLogger("app.part").isEnabledFor(logging.DEBUG)',
            before="import logging",
            undo='logging.getLogger("app").setLevel("NOTSET")',
        ),
    ),
    (
        "default_timeout",
        f"{CONTEXT} (socket default timeout)",
        around(
            "socket.setdefaulttimeout(3.0)",
            "with socket.socket() as made:",
            "    return n, made.gettimeout()",
            undo="socket.setdefaulttimeout(None)",
        ),
    ),
    (
        "limit_of_a_field",
        f"{CONTEXT} (csv field size limit)",
        around(
            "csv.field_size_limit(9)",
            "return list(csv.reader(['a,bbbbbbbbbbbbbbb']))",
            before="import csv",
            undo="csv.field_size_limit(131072)",
        ),
    ),
    (
        "collector_switched_off",
        f"{CONTEXT} (garbage collector)",
        around("gc.disable()", "return n, gc.isenabled()", before="import gc", undo="gc.enable()"),
    ),
    (
        "patched_function",
        "GLOBAL_STATE_NOT_PROPAGATED",
        around(
            "global scale; scale = tripled",
            "return scale(n + 1)",
            before="def scale(n):\n    return n\ndef tripled(n):\n    return 3 * n\n",
        ),
    ),
    (
        "patched_method",
        "GLOBAL_STATE_NOT_PROPAGATED",
        around(
            "Model.scale = lambda self, n: 3 * n",
            "return Model().scale(n + 1)",
            before="class Model:\n    def scale(self, n):\n        return n\n",
        ),
    ),
    (
        "attribute_of_an_instance",
        "GLOBAL_STATE_NOT_PROPAGATED",
        around(
            "SETTINGS.scale = 3",
            "return SETTINGS.scale * (n + 1)",
            before="class Settings:\n    scale = 1\nSETTINGS = Settings()\n",
        ),
    ),
    (
        "registered_by_a_fixture",
        "GLOBAL_STATE_NOT_PROPAGATED",
        around(
            'REGISTRY["triple"] = lambda n: 3 * n',
            'return REGISTRY.get("triple", abs)(n + 1)',
            before="REGISTRY = {}\n",
        ),
    ),
    (
        "port_of_all",
        RESOURCE,
        body(
            "for _ in range(10):",
            "    with socket.socket() as made:",
            "        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)",
            "        try:",
            "            made.bind(('127.0.0.1', 47813))",
            "            made.listen()",
            "        except OSError:",
            "            return 'in use'",
            "        time.sleep(0.005)",
            "return n",
        ),
    ),
    (
        "lock_file",
        RESOURCE,
        body(
            "for _ in range(10):",
            "    try:",
            "        os.close(os.open(__file__ + '.lock', os.O_CREAT | os.O_EXCL))",
            "    except FileExistsError:",
            "        return 'locked'",
            "    time.sleep(0.005)",
            "    os.remove(__file__ + '.lock')",
            "return n",
        ),
    ),
    (
        "rows_in_a_database",
        f"{RESOURCE} | {UNSTABLE} (file)",
        body(
            "with contextlib.closing(sqlite3.connect(__file__ + '.db', timeout=5)) as db, db:",
            "    db.execute('create table if not exists t (n)')",
            "    db.execute('insert into t values (?)', (n,))",
            "    return db.execute('select count(*) from t').fetchone()[0]",
            before="import contextlib, sqlite3",
        ),
    ),
)

#: What threads share, and what each of them has.
OF_THREADS = (
    (
        "working_directory_of_all",
        RACE,
        body(
            "here = os.getcwd()",
            "os.makedirs(f'{__file__}.{n}', exist_ok=True)",
            "for _ in range(10):",
            "    os.chdir(f'{__file__}.{n}')",
            "    time.sleep(0.0005)",
            "    found = os.path.basename(os.getcwd())",
            "os.chdir(here)",
            "return found",
        ),
    ),
    (
        "output_of_all",
        RACE,
        body(
            "with contextlib.redirect_stdout(io.StringIO()) as text:",
            "    for _ in range(5):",
            "        print(n)",
            "        time.sleep(0.0005)",
            "return text.getvalue()",
            before="import contextlib, io",
        ),
    ),
    (
        "patched_and_put_back",
        RACE,
        body(
            "was = Model.scale",
            "Model.scale = n",
            "time.sleep(0.002)",
            "found = Model.scale",
            "Model.scale = was",
            "return found",
            before="class Model:\n    scale = None\n",
        ),
    ),
    (
        "array_for_results",
        RACE,
        body(
            "np.multiply(DATA, n, out=OUT)",
            "time.sleep(0.002)",
            "return float(OUT.sum())",
            before="DATA, OUT = np.arange(5.0), np.zeros(5)",
        ),
    ),
    (
        "generator_of_all",
        f"{RACE} | {ORDER}",
        body(
            "return next(SLOW) > 0",
            before="def slow():\n    while True:\n        time.sleep(0.002)\n        yield 1\n"
            "SLOW = slow()\n",
        ),
    ),
    (
        "warnings_of_all",
        RACE,
        body(
            "found = []",
            "for _ in range(5):",
            "    with warnings.catch_warnings():",
            "        warnings.simplefilter('error' if n % 2 else 'ignore')",
            "        time.sleep(0.001)",
            "        try:",
            "            warnings.warn('w', stacklevel=1)",
            "            found.append('silent')",
            "        except UserWarning:",
            "            found.append('error')",
            "return found",
            before="import warnings",
        ),
    ),
    (
        "loop_of_the_main_thread",
        "THREAD_CONTEXT",
        body(
            "import asyncio",
            "asyncio.get_event_loop_policy().set_event_loop(None) if n > 9 else None",
            "return LOCAL.__dict__.get('loop', 'no loop')",
            before="LOCAL = threading.local()\nLOCAL.loop = 'a loop'\n",
        ),
    ),
    (
        "connection_of_the_main_thread",
        "THREAD_CONTEXT",
        body(
            "return DB.execute('select 1 + ?', (n,)).fetchone()[0]",
            before="import sqlite3\nDB = sqlite3.connect(':memory:')\n",
        ),
    ),
    (
        "counter_of_each_thread",
        f"{ORDER} | THREAD_CONTEXT",
        body(
            "LOCAL.count = getattr(LOCAL, 'count', 0) + 1",
            "time.sleep(0.002)",
            "return LOCAL.count",
            before="LOCAL = threading.local()",
        ),
    ),
    (
        "buffer_and_clock",
        f"{RACE} | {UNSTABLE}",
        body(
            "CURRENT[0] = n",
            "time.sleep(0.002)",
            "return CURRENT[0], time.time_ns()",
            before="CURRENT = [0]",
        ),
    ),
    (
        "counter_that_is_read_late",
        f"{RACE} | {ORDER}",
        body(
            "COUNT[0] += 1",
            "time.sleep(0.002)",
            "return COUNT[0]",
            before="COUNT = [0]",
        ),
    ),
    (
        "list_of_all_cases",
        f"INPUT_MUTATION | {RACE}",
        shared("{'runs': []}", "shared['runs'].append(n)", "return len(shared['runs'])"),
    ),
)

#: By loky, whose workers stay.
OF_JOBLIB = (
    ("counted_by_loky", ORDER, body("SEEN.append(n)", "return len(SEEN)", before="SEEN = []")),
    (
        "global_for_loky",
        "GLOBAL_STATE_NOT_PROPAGATED",
        around("global SCALE; SCALE = 3", "return n * SCALE + SCALE", before="SCALE = 1"),
    ),
    ("drawn_by_loky", "GLOBAL_RNG (numpy.random)", body("return np.random.rand(2)")),
    (
        "level_for_loky",
        f"{CONTEXT} (logging levels)",
        around(
            'logging.getLogger("app").setLevel("DEBUG")',
            'return n, logging.getLogger("app").getEffectiveLevel()',
            before="import logging",
            undo='logging.getLogger("app").setLevel("NOTSET")',
        ),
    ),
    ("order_for_loky", "HASH_SEED", body('return list({"a", "b", "c", "d", "e", "f"})')),
)

DATA = "def made(seed):\n    return np.random.RandomState(seed).rand(12)\n"

#: Streams of random numbers, and what is none although a seed changes both results.
OF_SEEDS = (
    (
        "seed_for_each_job",
        "RANDOM_STREAM (n)",
        varied(
            COUNTED,
            "parts = np.array_split(np.arange(8), n)",
            "found = [fit(part, seed=3, at=at) for at, part in enumerate(parts)]",
            "return np.concatenate(found)",
            before="def fit(part, seed, at):\n"
            "    return part + np.random.default_rng(seed + at).normal(size=len(part))\n",
        ),
    ),
    (
        "spawned_by_jobs",
        "RANDOM_STREAM (n)",
        varied(
            COUNTED,
            "rngs = [np.random.default_rng(one) for one in np.random.SeedSequence(5).spawn(n)]",
            "return np.concatenate([rng.random(8 // n) for rng in rngs])",
        ),
    ),
    (
        "seed_for_each_chunk",
        "RANDOM_STREAM (n)",
        varied(
            'vary={"n": [40, 10]}',
            "seeds = np.random.SeedSequence(5).spawn(40 // n)",
            "return np.concatenate([np.random.default_rng(one).random(n) for one in seeds])",
        ),
    ),
    (
        "offset_of_each_chunk",
        "UNEXPLAINED | CHUNK_DEPENDENT",
        varied(
            'vary={"n": [40, 10]}',
            "data = made(seed=0)",
            "return np.concatenate([data + at // n for at in range(0, 40, n)])[:40]",
            before=DATA,
        ),
    ),
    (
        "shuffled_by_jobs",
        "RANDOM_STREAM (n)",
        varied(
            COUNTED,
            "found = []",
            "for job in range(n):",
            "    part = list(range(job, 12, n))",
            "    shuffled(part, seed=1)",
            "    found += part",
            "return found",
            before="def shuffled(part, seed):\n    random.Random(seed).shuffle(part)\n",
        ),
    ),
    (
        "seed_of_the_data_and_another_order",
        "UNEXPLAINED | CHUNK_DEPENDENT | INTERFERENCE (n)",
        varied(
            COUNTED,
            "data = made(seed=0)",
            "return data if n == 1 else np.concatenate([data[6:], data[:6]])",
            before=DATA,
        ),
    ),
    (
        "seed_of_the_data_and_another_scale",
        "UNEXPLAINED",
        varied(COUNTED, "return float(made(seed=0).max()) * n", before=DATA),
    ),
    (
        "maker_of_the_data_and_another_order",
        "UNEXPLAINED | CHUNK_DEPENDENT",
        varied(
            COUNTED,
            "data = np.random.default_rng(0).random(12)",
            "return data if n == 1 else data[::-1].copy()",
        ),
    ),
)

#: Right, although each of them keeps something, or asks the system.
GUILTY_LOOKS = (
    (
        "weak_cache",
        body(
            "one = CACHE.get(n) or CACHE.setdefault(n, Part(n))",
            "return one.n * 2",
            before="import weakref\nCACHE = weakref.WeakValueDictionary()\n"
            "class Part:\n    def __init__(self, n):\n        self.n = n\n",
        ),
    ),
    (
        "cache_by_identity",
        body(
            "key = id(n)",
            "if KNOWN.get(key, (None,))[0] is not n:",
            "    KNOWN[key] = n, n * n",
            "return KNOWN[key][1]",
            before="KNOWN = {}",
        ),
    ),
    (
        "table_for_all",
        body(
            "if not TABLE:",
            "    TABLE.extend(i * i for i in range(9))",
            "return TABLE[n]",
            before="TABLE = []",
        ),
    ),
    (
        "name_by_a_counter",
        body(
            "path = f'{__file__}.{os.getpid()}.{threading.get_ident()}.{next(IDS)}'",
            "with open(path, 'w+') as file:",
            "    file.write(str(n))",
            "    file.seek(0)",
            "    found = file.read()",
            "os.remove(path)",
            "return found",
            before="IDS = itertools.count()",
        ),
    ),
    (
        "state_put_back",
        body(
            "state = random.getstate()",
            "found = random.Random(n).random()",
            "random.setstate(state)",
            "return found",
        ),
    ),
    (
        "loop_until_a_time",
        body(
            "until = time.monotonic() + 0.002",
            "while time.monotonic() < until:",
            "    pass",
            "return n",
        ),
    ),
    (
        "local_of_each_thread",
        body(
            "return LOCAL.value + n",
            before="class Local(threading.local):\n    value = 3\nLOCAL = Local()\n",
        ),
    ),
    ("sum_of_a_set", body("return sum(map(len, {'a', 'bb', 'ccc', str(n)}))")),
    (
        "uuid_as_a_key",
        body("known = {uuid.uuid4().hex: n for _ in range(3)}", "return sorted(known.values())"),
    ),
)

#: What forks have from before.
OF_FORKS = (
    (
        "connection_that_forks_share",
        RESOURCE,
        body(
            "found = []",
            "for _ in range(20):",
            "    FILE.write(b'%d\\n' % n)",
            "    found.append(FILE.readline())",
            "return found",
            before="SERVER = socket.create_server(('127.0.0.1', 0))\n"
            "def serve():\n"
            "    while True:\n"
            "        end, _ = SERVER.accept()\n"
            "        threading.Thread(target=answer, args=(end,), daemon=True).start()\n"
            "def answer(end):\n"
            "    with end.makefile('rwb', 0) as file:\n"
            "        for line in file:\n"
            "            time.sleep(0.001)\n"
            "            file.write(line)\n"
            "threading.Thread(target=serve, daemon=True).start()\n"
            "END = socket.create_connection(SERVER.getsockname())\n"
            "FILE = END.makefile('rwb', 0)\n",
        ),
    ),
)

FRESH: tuple[Planted, ...] = (
    *planted("processes:fork", *OF_FORKS),
    *planted("processes:spawn", *OF_PROCESSES),
    *planted("threads", *OF_THREADS),
    *planted("joblib", *OF_JOBLIB),
    *planted("", *OF_SEEDS),
)

GUILTY_LOOKING: tuple[Planted, ...] = (
    *planted(
        "",
        (
            "clean_seed_for_each_item",
            "",
            varied(
                COUNTED,
                "seeds = np.random.SeedSequence(5).spawn(8)",
                "rngs = [np.random.default_rng(one) for at in range(n) for one in seeds[at::n]]",
                "drawn = [rng.random() for rng in rngs]",
                "return sorted(drawn)",
            ),
        ),
    ),
    *(
        one
        for backend in ("processes:spawn", "threads", "joblib")
        for one in planted(
            backend, *((f"{name}_{backend[:7]}", "", source) for name, source in GUILTY_LOOKS)
        )
    ),
)
