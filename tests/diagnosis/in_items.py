"""The defects of code that cuts items into chunks, and clean code that looks like them."""

from __future__ import annotations

from .in_variants import COUNTED, varied
from .planted import planted

#: Items as a global of the module, and chunks of them.
FLOATS = "DATA = [1 / (i + 3) for i in range(1000)]\n"
NUMBERS = "DATA = [(i * 37) % 101 for i in range(20)]\n"
CUT = (
    "def cut(items, n):\n    size = -(-len(items) // n)\n"
    "    return [items[at : at + size] for at in range(0, len(items), size)]\n"
)


def given(value: str, *lines: str, before: str = "") -> str:
    """Return a test that varies `n`, with the items as a fixture."""
    fixture = f"@pytest.fixture\ndef items():\n    return {value}\n"
    made = varied(COUNTED, *lines, before=f"{before}{CUT}{fixture}")
    return made.replace("test_it(n)", "test_it(n, items)")


NEIGHBOURS = planted(
    "",
    (
        "type_of_the_chunk",
        "INTERFERENCE (n)",
        given(
            "[1, 2, 3, 4, 5, 6.5]",
            "if n == 1:",
            "    return [2 * one for one in items]",
            "return [one for part in cut(items, n) for one in (2 * np.array(part)).tolist()]",
        ),
    ),
    (
        "width_of_the_first",
        "INTERFERENCE (n)",
        given(
            '["ab", "abcd", "cd", "efgh"]',
            "if n == 1:",
            "    return [one.upper() for one in items]",
            "found = []",
            "for part in cut(items, n):",
            "    made = np.array([part[0].upper()] * len(part))",
            "    for at, one in enumerate(part):",
            "        made[at] = one.upper()",
            "    found += made.tolist()",
            "return found",
        ),
    ),
    (
        "sum_of_the_chunk",
        "INTERFERENCE (n)",
        varied(
            COUNTED,
            "if n == 1:",
            "    return [one * one for one in DATA]",
            "found = []",
            "for part in cut(DATA, n):",
            "    total = sum(part[:-1])",
            "    found += [one * one if total < 300 else one * one + 1 for one in part]",
            "return found",
            before=NUMBERS + CUT,
        ),
    ),
)

REDUCED = planted(
    "",
    (
        "lost_remainder",
        "REDUCTION_BUG (item 18, 19)",
        varied(
            'vary={"n": [1, 3]}',
            "size = len(DATA) // n",
            "return sum(sum(DATA[k * size : (k + 1) * size]) for k in range(n))",
            before=NUMBERS,
        ),
    ),
    (
        "counted_twice",
        "REDUCTION_BUG (item 10)",
        given(
            "[float(3 * i + 1) for i in range(20)]",
            "half = len(items) // 2",
            "parts = [items] if n == 1 else [items[: half + 1], items[half:]]",
            'return {"items": sorted(items), "total": sum(map(sum, parts))}',
        ),
    ),
    (
        "lost_maximum",
        "REDUCTION_BUG (item 9)",
        given(
            "[3, 1, 4, 1, 5, 9, 2, 6, 5, 35]",
            "parts = [items] if n == 1 else [items[:5], items[5:-1]]",
            "return max(map(max, parts))",
        ),
    ),
    (
        "lost_item_as_small_as_rounding",
        "REDUCTION_BUG (item 19)",
        given(
            "[float(n + 1) for n in range(19)] + [2e-14]",
            "parts = [items] if n == 1 else [items[:10], items[10:-1]]",
            "return float(sum(map(np.sum, parts)))",
        ),
    ),
    (
        "filtered_by_content",
        "REDUCTION_BUG (item 7)",
        given(
            "[3, 1, 4, 1, 5, 9, 2, 60, 5, 3]",
            "return sum(one for one in items if n == 1 or one < 50)",
        ),
    ),
    (
        "mean_of_means",
        "REDUCTION_BUG (n)",
        varied(
            'vary={"n": [1, 3]}',
            "means = [sum(part) / len(part) for part in cut(DATA, n)]",
            "return sum(means) / len(means)",
            before=NUMBERS + CUT,
        ),
    ),
    (
        "start_of_each_chunk",
        "REDUCTION_BUG (n)",
        varied(COUNTED, "return sum(sum(p, 100) for p in cut(DATA, n))", before=NUMBERS + CUT),
    ),
    (
        "order_of_a_known_sum",
        "REDUCTION_ORDER (n)",
        varied(
            COUNTED,
            "add = lambda one, other: one + other",  # the built-in sum compensates from 3.12 on
            "return sum(functools.reduce(add, DATA[at::n]) for at in range(n))",
            before=FLOATS,
        ),
    ),
    (
        "order_of_a_mean",
        "REDUCTION_ORDER (n)",
        given(
            "np.random.default_rng(0).random(1000)",
            "parts = [float(sum(items[at::n])) for at in range(n)]",
            'return {"mean": sum(parts) / len(items), "count": len(items)}',
        ),
    ),
    (
        "order_of_a_dot_product",
        "REDUCTION_ORDER (n)",
        given(
            "np.random.default_rng(1).random(500)",
            "return sum(float(sum(p * p)) for p in (items[at::n] for at in range(n)))",
        ),
    ),
)

#: joblib takes the first items in the thread of its caller, and later ones in others.
LAZY = "import joblib\ndef same(one):\n    return one\n"


def lazy(*lines: str, item: str, before: str = "") -> str:
    """Return a test that makes the items of a parallel call one by one."""
    return varied(
        COUNTED,
        *lines,
        'parallel = joblib.Parallel(n, backend="threading", batch_size=1)',
        f"return parallel(joblib.delayed(same)({item}) for i in range(20))",
        before=LAZY + before,
    )


DISPATCHED = planted(
    "",
    (
        "precision_of_the_caller",
        "CHUNK_DEPENDENT (n)",
        lazy("decimal.getcontext().prec = 5", item="str(decimal.Decimal(1) / (i + 3))"),
    ),
    (
        "local_of_the_caller",
        "CHUNK_DEPENDENT (n)",
        lazy(
            "LOCAL.scale = 3",
            item='getattr(LOCAL, "scale", 1) * (i + 1)',
            before="LOCAL = threading.local()\n",
        ),
    ),
    (
        "variable_of_the_caller",
        "CHUNK_DEPENDENT (n)",
        lazy(
            "SCALE.set(2.5)",
            item="np.float64((i + 1) * SCALE.get())",
            before='SCALE = contextvars.ContextVar("scale", default=1.0)\n',
        ),
    ),
)

#: Right, although they cut, scale and reduce: nothing differs.
CLEAN_ITEMS = planted(
    "",
    (
        "clean_scale_of_all",
        "",
        given(
            "[3, 1, 4, 1, 5, 9, 2, 6]",
            "largest = max(items)",
            "return [one / largest for part in cut(items, n) for one in part]",
        ),
    ),
    (
        "clean_mean_of_parts",
        "",
        given(
            "[3, 1, 4, 1, 5, 9, 2, 6]",
            "parts = [(sum(part), len(part)) for part in cut(items, n)]",
            "return sum(p[0] for p in parts) / sum(p[1] for p in parts)",
        ),
    ),
    (
        "clean_items_made_before",
        "",
        lazy("made = [i / 7 for i in range(20)]", item="made[i]"),
    ),
    (
        "clean_lazy_items",
        "",
        lazy("scale = 3", item="str(decimal.Decimal(scale) / (i + 3))"),
    ),
    (
        "clean_exact_sum",
        "",
        varied(
            COUNTED,
            "import math",
            "return math.fsum(one for at in range(n) for one in DATA[at::n])",
            before=FLOATS,
        ),
    ),
)

#: Another function in each variant: it depends on items, and no item is to blame.
NO_ITEM = planted(
    "",
    (
        "another_scale",
        "UNEXPLAINED | REDUCTION_BUG (n) | CHUNK_DEPENDENT",
        given("[3, 1, 4, 1, 5, 9, 2, 6]", "return [one * n for one in items]"),
    ),
    (
        "scale_of_each_chunk",
        "UNEXPLAINED | CHUNK_DEPENDENT",
        given(
            "[3, 1, 4, 1, 5, 9, 2, 6]",
            "return [one / max(part) for part in cut(items, n) for one in part]",
        ),
    ),
    (
        "fewer_bits",
        "REDUCTION_ORDER (n) | UNEXPLAINED",
        given(
            "np.random.default_rng(0).random(100)",
            "return float(sum(items if n == 1 else items.astype(np.float32)))",
        ),
    ),
    (
        "sample_of_the_items",
        "RANDOM_STREAM | UNEXPLAINED | REDUCTION_BUG (n)",
        given(
            "[float(i * i) for i in range(12)]",
            "rng = random.Random(n)",
            "return sum(rng.choice(items) for _ in range(12)) / 12",
        ),
    ),
)
