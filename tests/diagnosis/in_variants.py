"""The defects of code that is parallel itself, which `vary=` and `inside=` show."""

from __future__ import annotations

from .planted import planted


def varied(given: str, *lines: str, before: str = "") -> str:
    """Return a test of these lines that varies the argument `n`, or what runs inside."""
    arguments = "n" if given.startswith("vary") else ""
    mark = f"@pytest.mark.parwork({given})"
    head = f"def test_it({arguments}):"
    return "\n".join([before, mark, head, *(f"    {line}" for line in lines)])


COUNTED = 'vary={"n": [1, 2]}'
SHARED = "@pytest.fixture(scope='module')\ndef shared():\n    return [1]\n"

VARIED = planted(
    "",
    (
        "seams_of_chunks",
        "CHUNK_DEPENDENT (n)",
        varied(
            'vary={"n": [100, 25]}',
            "data = [float(i * i % 17) for i in range(100)]",
            "parts = [data[at : at + n] for at in range(0, 100, n)]",
            "return [sum(p[max(0, i - 1) : i + 2]) for p in parts for i in range(len(p))]",
        ),
    ),
    (
        "seams_of_jobs",
        "CHUNK_DEPENDENT (n)",
        varied(
            COUNTED,
            "parts = np.array_split(np.arange(100.0) ** 1.5, n)",
            "return np.concatenate([np.gradient(part) for part in parts])",
        ),
    ),
    (
        "seams_on_two_axes",
        "CHUNK_DEPENDENT (n)",
        varied(
            'vary={"n": [(40, 40), (20, 20)]}',
            "data = np.random.default_rng(0).random((40, 40))",
            "found = np.zeros_like(data)",
            "for i in range(0, 40, n[0]):",
            "    for j in range(0, 40, n[1]):",
            "        part = data[i : i + n[0], j : j + n[1]]",
            "        found[i : i + n[0], j : j + n[1]] = np.gradient(part)[0]",
            "return found",
        ),
    ),
    (
        "stream_by_jobs",
        "RANDOM_STREAM (n)",
        varied(
            COUNTED,
            "rng = random.Random()",
            "rng.seed(3)",
            "if n == 1:",
            "    return [rng.random() for _ in range(4)]",
            "return [random.Random(rng.randrange(10**6)).random() for _ in range(4)]",
        ),
    ),
    (
        "stream_by_keyword",
        "RANDOM_STREAM (n)",
        varied(
            COUNTED,
            "return fit(jobs=n, random_state=0)",
            before="def fit(jobs, random_state):\n"
            "    seeds = [random_state]\n"
            "    if jobs > 1:\n        seeds = range(random_state, random_state + jobs)\n"
            "    drawn = [np.random.RandomState(s).normal(size=6 // jobs) for s in seeds]\n"
            "    return np.concatenate(drawn)\n",
        ),
    ),
    (
        "order_of_a_sum",
        "REDUCTION_ORDER (n)",
        varied(
            COUNTED,
            "data = np.random.default_rng(0).random(1000)",
            "return sum(float(sum(part)) for part in np.array_split(data, n))",
        ),
    ),
    ("generator_of_variants", "GLOBAL_RNG (random)", varied(COUNTED, "return random.random()")),
    (
        "left_by_the_reference",
        "CASE_ORDER",
        varied(COUNTED, "SEEN.append(n)", "return len(SEEN)", before="SEEN = []"),
    ),
    (
        "argument_of_variants",
        "INPUT_MUTATION",
        varied(COUNTED, "shared.append(1)", "return len(shared)", before=SHARED).replace(
            "test_it(n)", "test_it(n, shared)"
        ),
    ),
    (
        "race_inside",
        "THREAD_RACE",
        varied(
            'inside="joblib:threading", workers=2',
            "return joblib.Parallel()(joblib.delayed(step)(i) for i in range(40))",
            before="import joblib\nCURRENT = [0]\ndef step(i):\n    CURRENT[0] = i\n"
            "    time.sleep(random.Random(i).random() * 0.002)\n"
            "    return CURRENT[0] if CURRENT[0] != i else i\n",
        ),
    ),
    ("another_function", "UNEXPLAINED", varied('vary={"n": ["a", "b"]}', 'return n == "a"')),
)
