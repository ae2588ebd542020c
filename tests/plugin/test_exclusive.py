"""`exclusive=`: cases that share a resource never run at the same time."""

from __future__ import annotations

import pytest

from pytest_parwork.runner.schedule import Schedule

from .scratch import Scratch, slow

#: Each case notes how it found the resource that it uses.
PORTS = """
import os, time
from pathlib import Path
from noting import note

def use(name):
    file = Path(__file__).with_name(f"{name}.held")
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        note(f"{name} was held")
        return
    time.sleep(0.02)
    file.unlink()
    note(f"{name} was free")
"""


@pytest.fixture
def scratch(scratch: Scratch) -> Scratch:
    scratch.write("ports.py", PORTS)
    return scratch


@pytest.mark.parametrize(
    "backend",
    ["threads", "processes:fork", "joblib", "isolated:fork", slow("multiprocessing:fork:map")],
)
def test_cases_that_share_a_name_never_run_at_the_same_time(scratch: Scratch, backend: str) -> None:
    scratch.cases(f"""
        from ports import use

        @pytest.mark.parwork(backend="{backend}", exclusive="port", timeout=5)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            use("port")
            return n
    """)

    session = scratch.run(report=True)

    assert session.counts == {"passed": 6}
    assert sorted(scratch.notes()) == ["port was free here"] * 6 + ["port was free there"] * 6
    (run,) = session.report["runs"]
    assert (run["verdict"], run["exercised"], run["peak_overlap"]) == ("EQUAL", None, 1)
    assert "its cases share a resource (exclusive=)" in " ".join(session.out.split())


def test_cases_with_other_names_and_without_any_do_run_at_the_same_time(scratch: Scratch) -> None:
    scratch.cases("""
        from ports import use
        pytestmark = pytest.mark.parwork(backend="threads", scope="module")

        @pytest.mark.parametrize(
            "name",
            [pytest.param(n, marks=pytest.mark.parwork(exclusive=["a", n])) for n in "bc"],
        )
        def test_pair(name):
            use("a")

        @pytest.mark.parwork(exclusive="a")
        def test_same():
            use("a")

        @pytest.mark.parametrize("n", range(3))
        def test_free(n):
            time.sleep(0.03)
    """)

    session = scratch.run("--parwork-strict", report=True)

    assert session.counts == {"passed": 7}
    assert "a was held there" not in scratch.notes()
    (run,) = session.report["runs"]
    assert run["exercised"] is True


def test_a_name_is_held_across_the_processes_of_xdist(scratch: Scratch) -> None:
    for module in ("test_a.py", "test_b.py"):
        scratch.cases(
            """
            from ports import use

            @pytest.mark.parwork(backend="threads", exclusive="port")
            @pytest.mark.parametrize("n", range(4))
            def test_it(n):
                use("port")
                return n
            """,
            module,
        )

    session = scratch.run_apart("-p", "xdist", "-n2", "--dist=loadfile")

    assert session.counts == {"passed": 8}
    assert not [line for line in scratch.notes() if "was held" in line]


def test_the_tasks_of_a_lane_are_one_batch_and_others_are_not_in_it() -> None:
    lanes = {0: 0, 3: 0, 4: 4, 5: 4}

    batches = Schedule(range(7), workers=2, chunksize=2, lanes=lanes, in_order=True).all()

    assert [batch.tasks for batch in batches] == [(0, 3), (1, 2), (4, 5), (6,)]
