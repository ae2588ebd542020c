"""The page on which backend can find what: one kind of defect for each of its rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from .scratch import Scratch

PAGE = Path(__file__).parents[2] / "docs" / "backends-find.md"

#: The columns of the page, with backends of each.
COLUMNS = {
    "threads": ("threads", "joblib:threading"),
    "fork": ("processes:fork", "isolated:fork"),
    "anew": ("joblib", "processes:spawn"),
    "dask": ("dask",),
}

#: How a row of the page begins, by the tests that have such a defect.
ROWS = {
    "race": "races on shared state",
    "main_thread": "state that is bound to a thread",
    "history": "the order in which cases ran before",
    "argument": "values that cannot be pickled",
    "result": "values that cannot be pickled",
    "lossy_argument": "what pickle changes",
    "lossy_result": "what pickle changes",
    "hash_seed": "the hash seed of `str`",
    "configured": "what a fixture, `pytest_configure`",
    "left_behind": "locks and threads that a fork leaves behind",
}

FILES = {
    "conftest.py": """
        import state

        def pytest_configure():
            state.is_configured = True
        """,
    "state.py": """
        import threading, time

        shared = {}
        seen = []
        is_configured = False
        left = threading.Thread(target=time.sleep, args=(60,), daemon=True)
        left.start()

        class Same:
            def __eq__(self, other):
                return type(other) is Same
            def __hash__(self):
                return 1

        class Unsendable(Same):
            def __eq__(self, other):
                return type(other) is Unsendable
            __hash__ = Same.__hash__
            def __reduce_ex__(self, protocol):
                raise TypeError("cannot be pickled")

        class Lossy:
            def __init__(self):
                self.cache = [1]
            def __getstate__(self):
                return {"cache": []}
        """,
}

CASES = """
import threading
import state

mark = pytest.mark.parwork(workers=2, diagnose=False)

@mark
@pytest.mark.parametrize("n", range(4))
def test_race(n):
    state.shared["n"] = n
    time.sleep(0.1)
    return state.shared["n"]

@mark
@pytest.mark.parametrize("n", range(2))
def test_main_thread(n):
    return threading.current_thread() is threading.main_thread()

@mark
@pytest.mark.parametrize("n", range(4))
def test_history(n):
    state.seen.append(n)
    return len(state.seen)

@mark
@pytest.mark.parametrize("lock", [threading.Lock(), threading.Lock()])
def test_argument(lock):
    return lock.locked()

@mark
@pytest.mark.parametrize("n", range(2))
def test_result(n):
    return state.Unsendable()

@mark
@pytest.mark.parametrize("lossy", [state.Lossy(), state.Lossy()])
def test_lossy_argument(lossy):
    return lossy.cache

@mark
@pytest.mark.parametrize("n", range(2))
def test_lossy_result(n):
    return state.Lossy()

@mark
@pytest.mark.parametrize("n", range(2))
def test_hash_seed(n):
    return hash("text")

@mark
@pytest.mark.parametrize("n", range(2))
def test_configured(n):
    return state.is_configured

@mark
@pytest.mark.parametrize("n", range(2))
def test_left_behind(n):
    return state.left.is_alive()
"""


def cells() -> dict[str, list[str]]:
    """Return the cells of the page by the beginning of their row."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    return {
        start: next(row[1:] for row in rows if row[0].startswith(start)) for start in ROWS.values()
    }


def is_found(test: str, column: str, backend: str) -> bool:
    """Return whether the page says that this backend can find that defect."""
    if test == "lossy_result":
        return False  # as it says below the table
    cell = cells()[ROWS[test]][list(COLUMNS).index(column)]
    is_excepted = f"except on `{backend}`" in cell
    if cell.partition(",")[0] in ("yes", "no"):
        return cell.startswith("yes") and not is_excepted
    assert cell.startswith("results; arguments as well"), cell
    return test == "result" or not is_excepted


@pytest.mark.parametrize(
    ("column", "backend"), [(column, each) for column, them in COLUMNS.items() for each in them]
)
def test_a_backend_finds_what_the_page_says(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, column: str, backend: str
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    for name, text in FILES.items():
        scratch.write(name, text)
    scratch.cases(CASES)
    # In a process of its own, because its thread would be in the way of other forks.
    session = scratch.run_apart(f"--parwork-backend={backend}", "-W", "ignore", report=True)
    found = {
        test: session.run(f"test_it.py::test_{test}")["verdict"] not in ("EQUAL", "NOT_EXERCISED")
        for test in ROWS
    }
    assert found == {test: is_found(test, column, backend) for test in ROWS}
