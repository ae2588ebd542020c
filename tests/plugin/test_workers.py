"""The number of workers of a session: its limits, and where it is reported."""

from __future__ import annotations

import os

import pytest

from pytest_parwork.machine import budget
from pytest_parwork.machine.cpus import Cpus

from .scratch import Scratch

CASES = """
    @pytest.mark.parwork(backend="threads"{})
    @pytest.mark.parametrize("n", range(6))
    def test_it(n):
        return n
    """


@pytest.fixture(autouse=True)
def _four_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "usable_cpus", lambda: Cpus(number=4, limit="cgroup limit"))


def told(scratch: Scratch, *options: str) -> object:
    """Return the workers that the one run reports."""
    session = scratch.run(*options, report=True)
    assert session.code == 0, session.text
    return session.run("test_it.py::test_it")["configuration"]["workers"]


def test_the_report_says_the_number_and_where_it_comes_from(scratch: Scratch) -> None:
    scratch.cases(CASES.format(""))
    source = "4 usable CPUs (cgroup limit)"
    assert told(scratch) == {"asked": "auto", "resolved": 4, "source": source}
    assert told(scratch, "--parwork-workers=3") == {
        "asked": 3,
        "resolved": 3,
        "source": "3 asked for",
    }
    assert told(scratch, "--parwork-workers=3", "-k", "1 or 2") == {
        "asked": 3,
        "resolved": 2,
        "source": "2 tasks",
    }


def test_it_says_so_of_calls_too(scratch: Scratch) -> None:
    scratch.cases(
        """
        def test_calls(parwork):
            assert parwork.map(abs, range(9), backend="threads").budget.workers == 4
            assert parwork.map(abs, range(9), backend="serial").budget.workers == 1
        """
    )
    session = scratch.run(report=True)
    first, second = session.report["runs"]
    assert first["configuration"]["workers"] == {
        "asked": "auto",
        "resolved": 4,
        "source": "4 usable CPUs (cgroup limit)",
    }
    assert second["configuration"]["workers"] == {
        "asked": "auto",
        "resolved": 1,
        "source": "1 granted by the backend",
    }


def test_verbose_shows_the_source_in_the_terminal(scratch: Scratch) -> None:
    scratch.cases(CASES.format(""))
    assert "usable CPUs" not in " ".join(scratch.run().section)
    assert "workers: 4 usable CPUs (cgroup limit)" in " ".join(scratch.run("-v").section)


@pytest.mark.parametrize("marker", ["", ", workers=8"])
def test_the_user_caps_the_workers_found_and_the_workers_requested(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, marker: str
) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", "2")
    scratch.cases(CASES.format(marker))
    session = scratch.run(report=True)
    found = session.run("test_it.py::test_it")
    assert found["configuration"]["workers"] == {
        "asked": 8 if marker else "auto",
        "resolved": 2,
        "source": "capped by PARWORK_MAX_WORKERS=2",
    }
    assert found["exercised"] is True
    assert "2 of 2 workers, capped by PARWORK_MAX_WORKERS=2" in _joined(session.section)


def test_a_cap_of_one_exercises_nothing(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", "1")
    scratch.cases(CASES.format(", workers=2"))
    session = scratch.run(report=True)
    assert session.counts == {"passed": 6}
    assert session.run("test_it.py::test_it")["verdict"] == "NOT_EXERCISED"
    assert "there was only one worker, capped by PARWORK_MAX_WORKERS=1" in _joined(session.section)
    assert scratch.run("--parwork-strict").counts == {"passed": 6, "failed": 1}


@pytest.mark.parametrize("option", [[], ["--parwork-workers=2"]])
@pytest.mark.parametrize("text", ["many", "0"])
def test_an_invalid_cap_is_reported_before_anything_runs(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, text: str, option: list[str]
) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", text)
    scratch.cases(
        "@pytest.mark.parwork\n@pytest.mark.parametrize('n', [1])\ndef test_it(n): note(n)"
    )
    session = scratch.run(*option)
    assert session.code != 0
    assert (
        f"PARWORK_MAX_WORKERS={text}: give a whole number, at least 1, or unset it" in session.text
    )
    assert "Traceback" not in session.text
    assert scratch.notes() == []


def test_without_tests_of_ours_it_matters_to_nobody(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", "many")
    scratch.cases("def test_it(): pass")
    assert scratch.run().counts == {"passed": 1}


def test_native_threads_are_reported_and_the_same_where_fewer_cases_are_selected(
    scratch: Scratch,
) -> None:
    scratch.cases(CASES.format(", workers=2"))
    for selection in ("it", "1"):
        session = scratch.run("-k", selection, report=True)
        assert session.run("test_it.py::test_it")["configuration"]["threads"] == 2


@pytest.mark.parametrize("backend", ["threads", "processes:spawn"])
def test_both_runs_of_a_case_hand_the_same_limit_on_and_none_stays_behind(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            found = os.environ["OMP_NUM_THREADS"]
            assert found == "2"
            return found

        def test_other():
            assert os.environ["OMP_NUM_THREADS"] == "7"
        """
    )
    assert scratch.run().counts == {"passed": 5}


def test_the_environment_has_the_cpus_and_what_limits_them(scratch: Scratch) -> None:
    scratch.cases(CASES.format(""))
    facts = scratch.run(report=True).report["environment"]
    assert facts["cpus"] >= 1
    assert "cpus_limit" in facts


def _joined(section: list[str]) -> str:
    return " ".join(" ".join(section).split())


def test_the_limit_of_native_threads_ends_with_the_last_case(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    scratch.cases(
        """
        def tell(what):
            note(f"{what} {os.environ['OMP_NUM_THREADS']}")

        @pytest.fixture(scope="class")
        def wide():
            tell("wide")

        class TestCases:
            @pytest.mark.parwork(backend="threads", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_limit(self, n, wide):
                tell("case")

        def test_after():
            tell("after")
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 3}
    notes = scratch.notes()
    assert "wide 7 here" in notes
    assert "after 7 here" in notes
    assert len({note.split()[1] for note in notes if note.startswith("case")} - {"7"}) == 1
    assert os.environ["OMP_NUM_THREADS"] == "7"
