"""`min_speedup` and `--parwork-strict`: verdicts on a workload, as items of their own."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import count
from pathlib import Path

import pytest

from pytest_parwork.machine import budget, pressure
from pytest_parwork.machine.cpus import Cpus
from pytest_parwork.machine.pressure import Pressure
from pytest_parwork.plugin.collecting import checks

from .scratch import Scratch


def set_cpus(monkeypatch: pytest.MonkeyPatch, cpus: Cpus) -> None:
    for module in (budget, checks):
        monkeypatch.setattr(module, "usable_cpus", lambda: cpus)


@pytest.fixture(autouse=True)
def _two_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    set_cpus(monkeypatch, Cpus(number=2))
    monkeypatch.setattr(pressure, "PRESSURE", Path("/nowhere"))  # this machine may be busy


def cases(least: float, *, backend: str = "'threads'", workers: str = "2", number: int = 3) -> str:
    return f"""
        @pytest.mark.parwork(backend={backend}, workers={workers}, min_speedup={least})
        @pytest.mark.parametrize("n", range({number}))
        def test_fib(n):
            return n

        def test_other():
            pass
        """


class TestMinSpeedup:
    def test_it_is_an_item_behind_the_cases(self, scratch: Scratch) -> None:
        scratch.cases(cases(1))
        session = scratch.run("--collect-only", "-q")
        assert [line for line in session.lines if "::" in line] == [
            "test_it.py::test_fib[0]",
            "test_it.py::test_fib[1]",
            "test_it.py::test_fib[2]",
            "test_it.py::test_fib[min_speedup]",
            "test_it.py::test_other",
        ]

    def test_there_is_one_for_each_configuration_behind_its_cases(self, scratch: Scratch) -> None:
        scratch.cases(cases(1, backend="['threads', 'serial']", workers="[2, 3]", number=1))
        session = scratch.run("--collect-only", "-q")
        assert [line for line in session.lines if "fib" in line] == [
            f"test_it.py::test_fib[{backend}-{workers}-{last}]"
            for backend in ("threads", "serial")
            for workers in (2, 3)
            for last in ("0", "min_speedup")
        ]

    def test_its_id_shows_what_the_ids_of_its_cases_show(self, scratch: Scratch) -> None:
        scratch.cases(cases(1, backend="['threads', 'serial']", workers="2", number=1))
        session = scratch.run("--collect-only", "-q")
        assert [line.partition("::")[2] for line in session.lines if "fib" in line] == [
            "test_fib[threads-0]",
            "test_fib[threads-min_speedup]",
            "test_fib[serial-0]",
            "test_fib[serial-min_speedup]",
        ]

    def test_it_follows_its_cases_wherever_they_are_put(self, scratch: Scratch) -> None:
        scratch.write(
            "conftest.py", "def pytest_collection_modifyitems(items):\n    items.reverse()\n"
        )
        scratch.cases(cases(1))
        session = scratch.run("--collect-only", "-q")
        assert [line.partition("::")[2] for line in session.lines if "::" in line] == [
            "test_other",
            "test_fib[2]",
            "test_fib[1]",
            "test_fib[0]",
            "test_fib[min_speedup]",
        ]

    def test_it_passes_where_the_speedup_suffices(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e-9))
        session = scratch.run()
        assert session.counts == {"passed": 5}
        assert session.cases["test_it.py::test_fib[min_speedup]"] == "passed"

    def test_it_fails_where_it_does_not(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e9))
        session = scratch.run()
        assert session.counts == {"passed": 4, "failed": 1}
        assert session.cases["test_it.py::test_fib[min_speedup]"] == "failed"
        assert "TOO SLOW: speed-up " in session.summary[0]
        assert "at least 1e+09x is required" in session.text
        assert "on 2 workers, start-up" in session.text
        assert "Traceback" not in session.text
        assert "pytest_parwork" not in session.text

    def test_a_busy_machine_is_not_the_fault_of_the_cases_unless_they_only_wait(
        self, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moments = (Pressure(at=float(n), waited=0.4 * n) for n in count())
        monkeypatch.setattr(Pressure, "here", lambda: next(moments))
        mark = "@pytest.mark.parwork(backend='processes:fork', workers=2, min_speedup=1e9)"
        scratch.cases(
            f"""
            import time

            {mark}
            @pytest.mark.parametrize("n", range(3))
            def test_work(n):
                until = time.thread_time() + 0.05
                while time.thread_time() < until:
                    pass
                time.sleep(0.05)  # as if another program had the CPU

            {mark}
            @pytest.mark.parametrize("n", range(3))
            def test_sleep(n):
                time.sleep(0.1)
            """
        )
        session = scratch.run("-rs", report=True)
        assert session.counts == {"passed": 6, "skipped": 1, "failed": 1}
        text = " ".join(session.text.split())
        assert "TOO SLOW: speed-up" in text
        assert "tasks of this machine waited for a CPU 40 % of the time" in text
        assert text.count("busy machine: ") == 1, "shown below the run as well"
        work = session.run("test_it.py::test_work")
        assert work["parts"][0]["waiting"] == work["timing"]["waiting"] == pytest.approx(0.4)
        for leg in ("serial", "parallel"):
            seconds = sum(case["cpu"][leg] for case in work["cases"])
            assert seconds == pytest.approx(work["timing"][f"{leg}_cpu"])
            assert seconds >= 0.15
        assert 0.05 < work["timing"]["cpu_share"] < 0.9

    def test_the_cases_pass_all_the_same(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e9))
        session = scratch.run(report=True)
        assert session.run("test_it.py::test_fib")["verdict"] == "EQUAL"

    def test_it_is_rejected_where_a_test_makes_calls(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(min_speedup=2)
            def test_calls(parwork):
                parwork.map(abs, [1, 2])
            """
        )
        session = scratch.run()
        assert session.counts == {"errors": 1}
        assert "min_speedup judges cases, but this test makes calls" in session.text

    def test_each_configuration_is_judged_by_its_own(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e-9, backend="['threads', 'processes:fork']"))
        session = scratch.run()
        assert session.counts == {"passed": 9}

    @pytest.mark.parametrize("keyword", ["not min_speedup", "test_other"])
    def test_it_can_be_deselected(self, scratch: Scratch, keyword: str) -> None:
        scratch.cases(cases(1e9))
        session = scratch.run("-k", keyword)
        assert "failed" not in session.counts
        assert "test_it.py::test_fib[min_speedup]" not in session.cases

    def test_it_is_marked_as_the_function_is(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e9))
        assert scratch.run("-m", "not parwork").counts == {"passed": 1, "deselected": 4}

    def test_on_its_own_it_is_skipped_with_the_reason(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e9))
        session = scratch.run("test_it.py::test_fib[min_speedup]", "-rs")
        assert session.counts == {"skipped": 1}
        assert "some cases of the workload are missing in this session" in session.text

    def test_with_a_part_of_the_cases_it_is_skipped(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e9))
        session = scratch.run("--deselect", "test_it.py::test_fib[1]", "-rs")
        assert session.cases["test_it.py::test_fib[min_speedup]"] == "skipped"

    def test_with_the_function_it_is_selected(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e-9))
        assert scratch.run("test_it.py::test_fib").counts == {"passed": 4}

    def test_with_too_few_cpus_it_is_skipped(
        self, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_cpus(monkeypatch, Cpus(number=1, limit="cgroup limit"))
        scratch.cases(cases(1e9))
        session = scratch.run("-rs")
        assert session.cases["test_it.py::test_fib[min_speedup]"] == "skipped"
        assert "speed-up cannot be judged: 2 workers on 1 usable CPU (cgroup limit)" in session.text

    def test_without_a_serial_run_it_is_skipped(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e9))
        session = scratch.run("--parwork-verify=0", "-rs")
        assert session.cases["test_it.py::test_fib[min_speedup]"] == "skipped"
        assert "no case ran serially" in session.text

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ("return is_here()", "1 case is DIFFERENT"),
            ("assert is_here()", "1 case is DIFFERENT"),
            ("is_here() or os._exit(1)", "1 case is LOST"),
        ],
    )
    def test_where_the_runs_did_not_do_the_same_it_is_skipped(
        self, scratch: Scratch, wrong: str, why: str
    ) -> None:
        scratch.cases(
            f"""
            @pytest.mark.parwork(backend="processes:fork", workers=2, min_speedup=1e9)
            @pytest.mark.parametrize("n", range(3))
            def test_fib(n):
                if n == 1:
                    {wrong}
                return n
            """
        )
        session = scratch.run("-rs")
        assert session.cases["test_it.py::test_fib[min_speedup]"] == "skipped"
        assert f"speed-up cannot be judged: {why}" in session.text
        assert "~" in session.section[2]

    def test_a_failure_is_counted_in_the_title(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e9))
        session = scratch.run(report=True)
        assert session.title == "parwork: 1 workload, 1 run TOO SLOW"
        assert session.run("test_it.py::test_fib")["too_slow"].startswith("TOO SLOW: speed-up ")

    def test_with_parwork_serial_it_is_skipped(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e9))
        session = scratch.run("--parwork-serial", "-rs")
        assert session.counts == {"passed": 4, "skipped": 1}
        assert "nothing runs in parallel with --parwork-serial" in session.text

    def test_skipped_cases_do_not_hinder_it(self, scratch: Scratch) -> None:
        text = cases(1e-9).replace("range(3)", "[0, 1, pytest.param(2, marks=pytest.mark.skip)]")
        scratch.cases(text)
        assert scratch.run().counts == {"passed": 4, "skipped": 1}

    def test_it_has_a_row_in_junit_xml(self, scratch: Scratch) -> None:
        scratch.cases(cases(1e9))
        scratch.run("--junitxml=junit.xml")
        rows = {
            row.get("name"): row for row in ET.parse(scratch.path / "junit.xml").iter("testcase")
        }
        failure = rows["test_fib[min_speedup]"].find("failure")
        assert failure is not None
        assert failure.get("message", "").startswith("TOO SLOW: speed-up")
        assert {row.get("classname") for row in rows.values()} == {"test_it"}

    def test_it_works_for_methods(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="threads", workers=2, min_speedup=1e-9)
            class TestIt:
                @pytest.mark.parametrize("n", range(2))
                def test_a(self, n): return n
                @pytest.mark.parametrize("n", range(2))
                def test_b(self, n): return n
            """
        )
        session = scratch.run()
        assert list(session.cases) == [
            f"test_it.py::TestIt::test_{name}[{last}]"
            for name in "ab"
            for last in ("0", "1", "min_speedup")
        ]
        assert session.counts == {"passed": 6}


class TestExercised:
    ONE = """
        @pytest.mark.parwork(backend="threads", workers=2)
        def test_alone():
            return 1
        """
    MANY = """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_many(n):
            return n
        """

    @pytest.mark.parametrize("how", ["option", "ini", "strict"])
    def test_a_workload_of_one_case_fails(self, scratch: Scratch, how: str) -> None:
        if how == "strict" and int(pytest.__version__.partition(".")[0]) < 9:
            pytest.skip("pytest 9 brought the strict mode")
        ini = {"ini": "parwork_strict = true", "strict": "strict = true"}.get(how, "")
        scratch.write("pytest.ini", f"[pytest]\n{ini}\n")
        scratch.cases(self.ONE)
        session = scratch.run(*(["--parwork-strict"] if how == "option" else []))
        assert session.cases == {
            "test_it.py::test_alone": "passed",
            "test_it.py::test_alone[exercised]": "failed",
        }
        assert "NOT_EXERCISED: 1 of 1 workers ran the 1 case" in session.text
        assert "parametrize" in session.text

    def test_without_strict_it_passes_and_is_reported(self, scratch: Scratch) -> None:
        scratch.cases(self.ONE)
        session = scratch.run()
        assert session.counts == {"passed": 1}
        assert "NOT EXERCISED: a single case cannot overlap" in "\n".join(session.section)

    def test_a_workload_whose_cases_met_passes(self, scratch: Scratch) -> None:
        scratch.cases(self.MANY)
        session = scratch.run("--parwork-strict")
        assert session.cases["test_it.py::test_many[exercised]"] == "passed"
        assert session.counts == {"passed": 5}

    def test_one_worker_exercises_nothing(self, scratch: Scratch) -> None:
        scratch.cases(self.MANY.replace("workers=2", "workers=1"))
        session = scratch.run("--parwork-strict")
        assert session.cases["test_it.py::test_many[exercised]"] == "failed"
        assert "there was only one worker" in " ".join(" ".join(session.section).split())

    def test_cases_that_share_no_value_of_a_wide_fixture_did_not_meet(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(
            """
            @pytest.fixture(scope="module", params="abc")
            def model(request):
                return request.param

            @pytest.mark.parwork(backend="threads", workers=2)
            def test_it(model):
                return model
            """
        )
        session = scratch.run("--parwork-strict")
        assert session.cases["test_it.py::test_it[exercised]"] == "failed"
        assert session.counts == {"passed": 3, "failed": 1}
        assert "each of the 3 cases ran on its own" in " ".join(" ".join(session.section).split())
        assert "give the fixture function scope, or parametrize the test further" in session.text

    def test_a_part_is_not_judged(self, scratch: Scratch) -> None:
        scratch.cases(self.MANY)
        session = scratch.run("--parwork-strict", "-k", "1 or exercised", "-rs", report=True)
        assert session.cases == {
            "test_it.py::test_many[1]": "passed",
            "test_it.py::test_many[exercised]": "skipped",
        }
        assert "some cases of the workload are missing" in session.text
        assert session.run("test_it.py::test_many")["exercised"] is None

    def test_it_comes_before_the_speed(self, scratch: Scratch) -> None:
        scratch.cases(self.MANY.replace("workers=2", "workers=2, min_speedup=1e-9"))
        session = scratch.run("--parwork-strict")
        assert list(session.cases)[-2:] == [
            "test_it.py::test_many[exercised]",
            "test_it.py::test_many[min_speedup]",
        ]

    def test_tests_that_make_calls_have_none(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="threads", workers=2)
            def test_calls(parwork):
                assert parwork.map(abs, [-1, 2]) == [1, 2]
            """
        )
        session = scratch.run("--parwork-strict")
        assert list(session.cases) == ["test_it.py::test_calls"]
