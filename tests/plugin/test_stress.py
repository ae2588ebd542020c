"""`--parwork-stress`: a workload runs again in configurations that a lucky run hides."""

from __future__ import annotations

import re

import pytest

from .scratch import Scratch, Session, slow

RACE = """
    CACHE = {}

    def lookup(n):
        if "k" not in CACHE:
            CACHE["k"] = []
        CACHE["k"].append(n)
        mine = list(CACHE["k"])
        CACHE.pop("k", None)
        return mine

    @pytest.mark.parwork(backend="threads", workers=2)
    @pytest.mark.parametrize("n", range(6))
    def test_it(n):
        return lookup(n)
"""

CLEAN = """
    @pytest.fixture
    def own(tmp_path):
        (tmp_path / "mine").write_text("1")
        yield [1]

    @pytest.mark.parwork(backend="{backend}", workers=2)
    @pytest.mark.parametrize("n", range(5))
    def test_it(n, own):
        own.append(n)
        if n == 4:
            raise ValueError("always")
        return own
"""

ITEM = "test_it.py::test_it[stress]"
CACHED = ("-p", "cacheprovider")


def rows(session: Session) -> list[dict[str, object]]:
    (run,) = session.report["runs"]
    found = run["stress"]["runs"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    "backend",
    ["threads", "processes:fork", slow("joblib"), slow("isolated:spawn"), slow("dask")],
)
def test_clean_cases_are_equal_in_all_runs(scratch: Scratch, backend: str) -> None:
    scratch.cases(CLEAN.format(backend=backend))

    session = scratch.run("--parwork-stress=quick", report=True)

    assert session.counts == {"passed": 5, "failed": 1}
    assert session.cases[ITEM] == "passed"
    found = rows(session)
    assert [row["verdict"] for row in found] == ["EQUAL"] * len(found)
    assert [row["equal"] for row in found] == [5] * len(found)
    assert 3 <= len(found) <= 4
    assert "perturbed runs, all equal to serial (seed" in " ".join(session.out.split())


def test_a_race_fails_an_item_of_its_own_and_its_row_comes_first_next_time(
    scratch: Scratch,
) -> None:
    scratch.cases(RACE)

    session = scratch.run("--parwork-stress=quick", *CACHED, report=True)

    assert session.cases[ITEM] == "failed"
    assert session.counts["passed"] + session.counts["failed"] == 7
    bad = [row for row in rows(session) if row["verdict"] == "DIFFERENT"]
    assert bad
    assert "1 run WRONG UNDER STRESS" in session.title
    (command,) = re.findall(r"again    pytest (\S+) (\S+)", session.out)
    assert command == (f'"{ITEM}"', f"--parwork-stress={bad[0]['row']}")

    again = scratch.run(ITEM, command[1], *CACHED, report=True)  # as a user pastes it
    assert again.cases[ITEM] == "failed"
    assert [row["row"] for row in rows(again)] == [bad[0]["row"]]

    last = scratch.run("--lf", "--parwork-stress=quick", *CACHED, report=True)
    assert last.cases[ITEM] == "failed"
    assert rows(last)[0]["row"] == bad[0]["row"]


@pytest.mark.sweep
def test_the_options_that_select_tests_select_the_item(scratch: Scratch) -> None:
    scratch.cases(RACE)
    assert scratch.run("--parwork-stress=quick", "-k", "not stress").counts == {
        "passed": 6,
        "deselected": 1,
    }
    assert scratch.run().counts == {"passed": 6}
    stopped = scratch.run("-x", "--parwork-stress=quick", "--parwork-strict")
    assert stopped.cases[ITEM] == "failed"
    skipped = scratch.run("--parwork-serial", "--parwork-stress=quick")
    assert skipped.counts == {"passed": 6, "skipped": 1}


@pytest.mark.sweep
def test_hash_order_and_pollution_show_in_processes(scratch: Scratch) -> None:
    scratch.cases("""
        LATEST = []

        @pytest.mark.parwork(backend="isolated:spawn", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_order(n):
            if n == 0:
                LATEST.append(n)  # a process of its own hides it
            return bool(LATEST) and n == 1 and not is_here() and len(LATEST) == 1

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_hash(n):
            return list({"a", "b", "c", "d", "e"})
    """)

    session = scratch.run("--parwork-stress=quick", report=True)

    assert session.cases["test_it.py::test_order[stress]"] == "failed"
    assert session.cases["test_it.py::test_hash[stress]"] == "failed"
    wrong = [
        row["row"]
        for row in session.run("test_it.py::test_order")["stress"]["runs"]
        if row["verdict"] == "DIFFERENT"
    ]
    assert len(wrong) == 1
    assert "order=reversed" not in wrong[0]
    hashed = session.run("test_it.py::test_hash")["stress"]["runs"]
    assert all("hash=" in row["row"] for row in hashed if row["verdict"] == "DIFFERENT")


def test_what_cannot_be_perturbed_is_skipped_with_the_reason(scratch: Scratch) -> None:
    scratch.cases("""
        @pytest.mark.parwork(backend="threads", workers=2, verify=0)
        @pytest.mark.parametrize("n", range(2))
        def test_unverified(n):
            return n

        @pytest.mark.parwork(backend="serial")
        @pytest.mark.parametrize("n", range(2))
        def test_serial(n):
            return n

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_partly_wrong(n):
            return n if n or is_here() else -1
    """)

    session = scratch.run("--parwork-stress=quick", "-rs", report=True)

    assert session.counts == {"passed": 7, "skipped": 2, "failed": 1}
    assert "it cannot be perturbed: no case is equal to serial" in session.out
    assert "serial runs its cases one after the other in pytest's process" in session.out
    partly = session.run("test_it.py::test_partly_wrong")["stress"]["runs"]
    assert {row["equal"] for row in partly if row["verdict"] != "NOT_SENT"} == {2}


@pytest.mark.parametrize(
    "value", ["quik", "full,free", "backend=threads,workers=x", "backend=nosuch,workers=2"]
)
def test_a_wrong_value_is_a_usage_error(scratch: Scratch, value: str) -> None:
    scratch.cases(RACE)
    session = scratch.run(f"--parwork-stress={value}")
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert f"--parwork-stress={value}: " in session.text


@pytest.mark.sweep  # test_xdist.py asks daily
def test_under_xdist_a_workload_is_perturbed_once(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            note(n)
            return n
        """
    )
    session = scratch.run_apart("-p", "xdist", "-n2", "--parwork-stress=quick", report=True)
    assert session.counts == {"passed": 5}
    found = rows(session)
    assert all(row["verdict"] == "EQUAL" for row in found)
    crowds = sum("crowd=4" in str(row["row"]) for row in found)
    assert crowds == 1  # its cases run in four threads, and once more
    assert len(scratch.notes()) == 4 * (2 + len(found) + 4 * crowds)


def test_a_workload_of_a_module_has_one_item_and_its_command_runs_the_module(
    scratch: Scratch,
) -> None:
    scratch.cases(RACE.replace('@pytest.mark.parwork(backend="threads", workers=2)', ""))
    options = ("--parwork-all", "--parwork-backend=threads", "--parwork-workers=2")

    session = scratch.run(*options, "--parwork-stress=quick", report=True)

    assert session.cases["test_it.py::[stress]"] == "failed"
    (again,) = re.findall(r"again    pytest (.*)", session.out)
    words = again.split()
    assert words[0] == '"test_it.py"'
    assert {"--parwork-all", "--parwork-backend=threads"} <= set(words)
    assert any(word.startswith("--parwork-stress=backend=threads,workers=") for word in words)
