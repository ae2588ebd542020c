"""Defects that one plain run mostly misses: it has one order, few workers, and races are won."""

from __future__ import annotations

from .in_processes import body
from .planted import Planted, planted

#: What a worker process knows of itself, for defects of processes that have run much.
WORKER = "import multiprocessing\nis_worker = multiprocessing.parent_process() is not None\n"

#: A folder that all cases share, and that is empty at the beginning of each run of a case alone.
SHARED = 'FILE = __file__ + ".shared"\n'

#: Many names, so that two hash seeds give the same order hardly ever.
NAMES = "NAMES = [f'name{i}' for i in range(20)]\n"

#: Order: the serial run, and workers that have few cases each, never run one after the other what
#: a single process runs in the reversed order.
OF_ORDER = planted(
    "isolated:spawn",
    (
        "polluted_by_a_later_case",
        "HIDDEN",
        body(
            "if n == 3:", "    SEEN.append(n)", "return n == 0 and bool(SEEN)", before="SEEN = []"
        ),
    ),
    (
        "two_polluters",
        "HIDDEN",
        body(
            "if n >= 2:",
            "    SEEN.add(n)",
            "return n, n < 2 and len(SEEN) == 2",
            before="SEEN = set()",
        ),
    ),
    (
        "precision_left_behind",
        "HIDDEN",
        body(
            "value = str(decimal.Decimal(1) / 3)",
            "if n == 2:",
            "    decimal.getcontext().prec = 5",
            "return value if n < 2 else n",
        ),
    ),
    (
        "variable_left_behind",
        "HIDDEN",
        body(
            'found = os.environ.get("LEFT", "") if n == 1 else ""',
            "if n == 3:",
            '    os.environ["LEFT"] = "x"',
            "return found",
        ),
    ),
    (
        "default_that_grows",
        "HIDDEN",
        body(
            "return collect(n)",
            before="def collect(n, seen=[]):\n    if n == 3:\n        seen.append(n)\n"
            "    return list(seen) if n < 3 else n\n",
        ),
    ),
    (
        "cache_by_a_wrong_key",
        "HIDDEN",
        body(
            "return lookup(n)",
            before="CACHE = {}\ndef lookup(n):\n    if n == 3:\n        CACHE['k'] = n\n"
            "        return n\n    return CACHE.get('k', -1)\n",
        ),
    ),
    (
        "switch_left_on",
        "HIDDEN",
        body(
            "was = np.geterr()['divide'] if n == 0 else 'warn'",
            "if n == 1:",
            "    np.seterr(divide='ignore')",
            "return was",
        ),
    ),
)

#: Numbers of cases in a process, and of workers at a time.
OF_NUMBERS = (
    *planted(
        "processes:spawn",
        (
            "wrong_from_the_fourth_on",
            "HIDDEN",
            body(
                "COUNT[0] += is_worker",
                "return n if COUNT[0] < 4 else -1",
                before=f"{WORKER}COUNT = [0]",
            ),
        ),
        (
            "buffer_of_three",
            "HIDDEN",
            body(
                "if is_worker:",
                "    ROWS.append(n)",
                "return n if len(ROWS) <= 3 else ROWS[0]",
                before=f"{WORKER}ROWS = []",
            ),
        ),
        (
            "three_places_at_most",
            "HIDDEN",
            body(
                "for place in range(3):",
                "    try:",
                '        os.mkdir(f"{FILE}{place}")',
                "        break",
                "    except FileExistsError:",
                "        continue",
                "else:",
                '    return "no place"',
                "time.sleep(0.05)",
                'os.rmdir(f"{FILE}{place}")',
                "return n",
                before=SHARED,
            ),
        ),
    ),
    *planted(
        "threads",
        (
            "a_slot_for_two_threads",
            "HIDDEN",
            body(
                'number = threading.current_thread().name.rpartition("_")[2]',
                "slot = int(number) if number.isdigit() else 0",
                "time.sleep(0.005)",
                "return SLOTS[slot]",
                before="SLOTS = [0, 0]",
            ),
        ),
        (
            "three_connections",
            "HIDDEN",
            body(
                "if not POOL.acquire(blocking=False):",
                '    return "exhausted"',
                "time.sleep(0.01)",
                "POOL.release()",
                "return n",
                before="POOL = threading.Semaphore(3)",
            ),
        ),
    ),
)

#: Forks have the hash seed of pytest's process.
OF_HASHES = planted(
    "processes:fork",
    ("order_of_a_set", "HIDDEN", body("return list(set(NAMES))", before=NAMES)),
    (
        "first_of_a_set",
        "HIDDEN",
        body("return [next(iter(set(NAMES[i:]))) for i in range(9)]", before=NAMES),
    ),
    ("hash_of_a_name", "HIDDEN", body("return [hash(name) % 7 for name in NAMES]", before=NAMES)),
    ("joined_names", "HIDDEN", body('return " ".join(frozenset(NAMES))', before=NAMES)),
    (
        "ties_of_a_set",
        "HIDDEN",
        body("return min(set(NAMES), key=lambda name: name[0])", before=NAMES),
    ),
    (
        "every_fifth_of_a_set",
        "HIDDEN",
        body(
            "return [name for i, name in enumerate({*NAMES}) if i % 5 == 0]",
            before=NAMES,
        ),
    ),
)

#: Races whose window is a call, of threads.
OF_THREADS = planted(
    "threads",
    (
        "registry_without_a_lock",
        "HIDDEN",
        body(
            'ENTRIES.setdefault("k", [])',
            'ENTRIES["k"].append(n)',
            'return list(ENTRIES.pop("k"))',
            before="ENTRIES = {}",
        ),
    ),
    (
        "sum_of_two_steps",
        "HIDDEN",
        body(
            "before = STATE.get('sum', 0)",
            "STATE.update(sum=before + n)",
            "return STATE.get('sum') - before",
            before="STATE = {}",
        ),
    ),
    (
        "table_made_late",
        "HIDDEN",
        body(
            "return len(table())",
            before="TABLE = []\ndef table():\n    if not TABLE:\n        for i in range(5):\n"
            "            TABLE.append(i)\n    return TABLE\n",
        ),
    ),
    (
        "buffer_of_all",
        "HIDDEN",
        body(
            "BUFFER.clear()",
            "BUFFER.extend(range(n, n + 3))",
            "return list(BUFFER)",
            before="BUFFER = []",
        ),
    ),
    (
        "parser_with_a_text",
        "HIDDEN",
        body(
            "return PARSER.parse(str(n))",
            before="class Parser:\n    def parse(self, text):\n        self.text = text\n"
            "        return self.number()\n    def number(self):\n        return int(self.text)\n"
            "PARSER = Parser()\n",
        ),
    ),
    (
        "variable_of_all",
        "HIDDEN",
        body('os.environ["CASE"] = str(n)', 'return os.environ.get("CASE")'),
    ),
    (
        "seeded_generator_of_all",
        "HIDDEN",
        body("random.seed(n)", "return random.random()"),
    ),
    (
        "seeded_numpy_of_all",
        "HIDDEN",
        body("np.random.seed(n)", "return np.random.random()"),
    ),
    (
        "generator_in_use",
        "HIDDEN",
        body(
            "next(NUMBERS)",
            "return n",
            before="def numbers():\n    i = 0\n    while True:\n        i = max(i, 0) + 1\n"
            "        yield str(i)\nNUMBERS = numbers()\n",
        ),
    ),
    (
        "dict_that_grows",
        "HIDDEN",
        body(
            "KNOWN[n] = str(n)",
            "found = sum(int(str(v)) >= 0 for v in KNOWN.values()) > 0",
            "KNOWN.pop(n, None)",
            "return found",
            before="KNOWN = {}",
        ),
    ),
)

#: Races over a file, of processes.
OF_FILES = planted(
    "processes:fork",
    (
        "file_with_the_latest",
        "HIDDEN",
        body(
            'with open(FILE, "w") as file:',
            "    file.write(str(n))",
            "with open(FILE) as file:",
            "    return file.read()",
            before=SHARED,
        ),
    ),
    (
        "file_as_a_counter",
        "HIDDEN",
        body(
            'with open(FILE, "a+") as file:',
            "    file.seek(0)",
            "    before = len(file.read())",
            '    file.write("x" * 3)',
            "    file.flush()",
            "    file.seek(0)",
            "    return len(file.read()) - before",
            before=SHARED,
        ),
    ),
    (
        "folder_that_exists",
        "HIDDEN",
        body(
            'os.makedirs(FILE + ".d", exist_ok=True)',
            'found = os.path.isdir(FILE + ".d")',
            'os.rmdir(FILE + ".d")',
            "return found",
            before=SHARED,
        ),
    ),
)

HIDDEN: tuple[Planted, ...] = (*OF_ORDER, *OF_NUMBERS, *OF_HASHES, *OF_THREADS, *OF_FILES)
