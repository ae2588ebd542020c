"""Functions that are right, although much of what they do looks like a defect."""

from __future__ import annotations

from .in_processes import body, shared
from .planted import Planted, planted

FUNCTIONS = (
    ("plain", body("return n * n")),
    ("seeded", body("return random.Random(n).random()")),
    ("seeded_numpy", body("return np.random.default_rng(n).normal(size=4)")),
    ("sorted_set", body('return sorted({"a", "b", "c", "d"})')),
    ("sleeping", body("time.sleep(0.01 * (4 - n))", "return n")),
    ("draws_for_nothing", body("random.random()", "np.random.rand()", "return n")),
    ("measures_for_nothing", body("began = time.time()", "return n, time.time() >= began")),
    ("counts_for_nothing", body("SEEN.append(n)", "return n", before="SEEN = []")),
    (
        "right_cache",
        body(
            "return square(n) + square(n)",
            before="@functools.lru_cache\ndef square(n):\n    return n * n\n",
        ),
    ),
    ("harmless_mutation", shared("{}", "shared.setdefault(n, n * n)", "return shared[n]")),
    ("prints_its_pid", body("print(os.getpid())", "return n")),
    (
        "file_of_its_own",
        body(
            "with tempfile.TemporaryFile() as file:",
            "    file.write(bytes([n]))",
            "    file.seek(0)",
            "    return file.read()",
        ),
    ),
    ("reads_a_file", body("with open(__file__) as file:", "    return len(file.read()) + n")),
    ("raises", body('raise ValueError(f"case {n}")')),
    ("not_a_number", body('return [float("nan"), n, None, {"a": np.arange(n)}]')),
    ("set_of_strings", body('return {"a", "b", str(n)}')),
    (
        "own_precision",
        body(
            "with decimal.localcontext() as context:",
            "    context.prec = 5",
            "    return str(decimal.Decimal(1) / (n + 3))",
        ),
    ),
    (
        "locked",
        body(
            "with LOCK:",
            "    STATE[0] = n",
            "    time.sleep(0.001)",
            "    return STATE[0]",
            before="LOCK, STATE = threading.Lock(), [0]",
        ),
    ),
)

#: Each as it is: the results are the same, and nothing is diagnosed.
CLEAN: tuple[Planted, ...] = tuple(
    one
    for backend in ("processes:spawn", "threads")
    for one in planted(
        backend, *((f"{name}_{backend[:7]}", "", source) for name, source in FUNCTIONS)
    )
)

#: Each with one wrong result that nothing causes again: a diagnosis runs, and must blame nothing.
FLUKES: tuple[Planted, ...] = tuple(
    one
    for backend in ("processes:spawn", "threads")
    for one in planted(
        backend,
        *(
            (
                f"fluke_{name}_{backend[:7]}",
                "UNREPRODUCED",
                source.replace("n):\n", "n):\n    if fails_once(n): return 'fluke'\n"),
            )
            for name, source in FUNCTIONS
        ),
    )
)
