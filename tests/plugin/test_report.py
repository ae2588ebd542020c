"""The results of a session: terminal section, JSON, JUnit properties."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from textwrap import dedent

import pytest

import pytest_parwork
from pytest_parwork.equivalence.digest import digest

from .scratch import Scratch

EQUAL = """
    @pytest.mark.parwork(backend="threads", workers=2)
    @pytest.mark.parametrize("n", range(4))
    def test_equal(n):
        return {"n": n}
    """
DIFFERENT = """
    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_different(n):
        return {"here": n == 0 or is_here(), "n": n}
    """


def hex_digest(value: object) -> str:
    found = digest(value)
    assert found is not None
    return found.hex()


class TestTerminal:
    def test_a_workload_has_its_id_and_a_row_of_times(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL)
        section = scratch.run().section
        assert re.fullmatch(
            r"test_it\.py::test_equal +serial   parallel  start-up  speed-up", section[1]
        )
        assert re.match(r"  threads-2     4 values equal +\d+us +\S+ +\S+ +~?\d\S*x", section[2])
        assert re.match(r" {16}exact; 2 of 2 workers, together \S+ % of the", section[3])

    def test_workloads_are_shown_one_after_the_other_before_the_summary(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(EQUAL + DIFFERENT)
        session = scratch.run(report=True)
        assert session.title == "parwork: 2 workloads, 2 cases DIFFERENT"
        assert len(session.section[0]) == 80
        *section, path = (line for line in session.section if line)
        assert path.startswith("parwork report written: ")
        assert all(len(line) <= 80 for line in section)
        ids = [line.split()[0] for line in session.section if line.startswith("test_it.py::")]
        assert ids == ["test_it.py::test_equal", "test_it.py::test_different"]
        assert "2 DIFFERENT at ['here']" in "\n".join(session.section)
        parts = ("= FAILURES =", " parwork: ", "short test summary")
        places = [session.text.index(part) for part in parts]
        assert places == sorted(places)
        run = session.run("test_it.py::test_different")
        assert (run["verdict"], run["mismatch_count"]) == ("DIFFERENT", 2)
        first = run["mismatches"][0]
        assert {key: first[key] for key in ("case", "path", "class", "actual", "expected")} == {
            "case": "test_it.py::test_different[1]",
            "path": "['here']",
            "class": "value",
            "actual": "False",
            "expected": "True",
        }

    def test_quiet_leaves_only_the_title(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL)
        session = scratch.run("-q")
        assert session.title == "parwork: 1 workload, all equal to serial"
        assert [line for line in session.section[1:] if line and "passed" not in line] == []

    def test_verbose_adds_how_the_cases_fell(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL)
        section = "\n".join(scratch.run("-v").section)
        assert re.search(r"cases by worker: \d, \d", section)

    def test_colours_say_how_it_went(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL)
        assert "\x1b[32m\x1b[1m" in scratch.run("--color=yes").out
        scratch.cases(DIFFERENT)
        lines = scratch.run("--color=yes").out.splitlines()
        (title,) = [line for line in lines if "parwork: 1 workload" in line]
        assert title.startswith("\x1b[31m\x1b[1m")

    def test_configurations_are_rows_of_one_workload(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL.replace('"threads"', '["threads", "processes:fork"]'))
        section = scratch.run().section
        rows = [line.split()[0] for line in section if re.match(r"  \S", line)]
        assert rows == ["threads-2", "processes:fork-2"]

    def test_the_start_method_behind_a_bare_name_is_reported(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL.replace('"threads"', '"multiprocessing"'))
        session = scratch.run_apart()
        assert re.search(r"2 of 2 workers by (fork|forkserver),", " ".join(session.section))

    def test_without_a_terminal_plugin_the_report_is_written(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL)
        session = scratch.run("-p", "no:terminal", report=True)
        assert session.code == 0
        assert session.run("test_it.py::test_equal")["verdict"] == "EQUAL"


class TestJson:
    def test_the_keys_are_those_of_schema_1(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL)
        report = scratch.run(report=True).report
        assert report["schema"] == 1
        assert report["parwork"] == pytest_parwork.__version__
        assert {"python", "platform", "cpus", "gil", "packages"} <= report["environment"].keys()
        assert "pytest" in report["environment"]["packages"]
        (run,) = report["runs"]
        assert run.keys() >= {
            "id",
            "configuration",
            "policy",
            "compared",
            "verdict",
            "exercised",
            "cases",
            "mismatches",
            "mismatch_count",
            "workers_used",
            "peak_overlap",
            "timing",
            "causes",
            "cause",
        }
        assert run["configuration"].keys() >= {"id", "backend", "start_method", "workers"}
        assert run["cases"][0].keys() >= {"id", "verdict", "seconds", "worker", "lost"}
        assert run["timing"].keys() >= {
            "serial",
            "parallel",
            "startup",
            "speedup",
            "efficiency",
            "bound",
            "bound_share",
            "reliable",
        }

    def test_an_equal_run_says_so_with_the_way_of_each_case(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL)
        session = scratch.run(report=True)
        assert f"parwork report written: {scratch.path / 'parwork.json'}" in session.lines
        run = session.run("test_it.py::test_equal")
        told = {key: run[key] for key in ("policy", "compared", "verdict", "exercised", "cause")}
        assert told == {
            "policy": "exact()",
            "compared": "values",
            "verdict": "EQUAL",
            "exercised": True,
            "cause": None,
        }
        assert run["configuration"]["id"] == "threads-2"
        assert run["configuration"]["start_method"] == "thread"
        assert run["configuration"]["workers"] == {
            "asked": 2,
            "resolved": 2,
            "source": "2 asked for",
        }
        assert (run["mismatches"], run["mismatch_count"]) == ([], 0)
        assert (run["workers_used"], run["peak_overlap"]) == (2, 2)

        cases = run["cases"]
        assert [case["id"] for case in cases] == [f"test_it.py::test_equal[{n}]" for n in range(4)]
        assert all(case["seconds"]["serial"] >= 0 for case in cases)
        assert all(case["seconds"]["parallel"] >= 0 for case in cases)
        assert {case["worker"] for case in cases} == {1, 2}
        assert {case["lost"] for case in cases} == {None}
        # Since the origin of their run, which is when the first one arrived.
        assert min(case["interval"][0] for case in cases) == 0
        for case in cases:
            arrived, started, ended = case["interval"]
            assert 0 <= arrived <= started <= ended < 60
            began, came_back = case["serial_interval"]
            assert ended <= began <= came_back
            assert came_back - began == pytest.approx(case["seconds"]["serial"], abs=1e-6)
        assert len({case["process"] for case in cases}) == 2

    @pytest.mark.parametrize("share", [0, 1])
    def test_results_have_a_text_and_a_digest(self, scratch: Scratch, share: int) -> None:
        scratch.cases(
            f"""
            @pytest.mark.parwork(backend="threads", workers=2, verify={share})
            @pytest.mark.parametrize("n", range(3))
            def test_it(n):
                if n == 2:
                    pytest.skip("later")
                return 2 * n

            def test_calls(parwork):
                parwork.map(str, range(2), backend="threads", verify={share})
            """
        )
        session = scratch.run(report=True)
        of_cases = [case["result"] for case in session.run("test_it.py::test_it")["cases"]]
        assert [one["kind"] for one in of_cases] == ["value", "value", "skip"]
        assert [one["text"] for one in of_cases] == ["0", "2", "Skipped: later"]
        assert [one["digest"] for one in of_cases] == [hex_digest(0), hex_digest(2), None]
        of_calls = session.run("test_it.py::test_calls::map[0]")["cases"]
        assert [case["result"]["text"] for case in of_calls] == ["'0'", "'1'"]

    def test_what_a_value_contributes_is_bounded(self, scratch: Scratch) -> None:
        scratch.cases(DIFFERENT.replace('"n": n}', '"n": "x" * 10**6 + str(is_here())}'))
        scratch.run(report=True)
        assert (scratch.path / "parwork.json").stat().st_size < 20_000

    def test_odd_values_make_strict_json(self, scratch: Scratch) -> None:
        scratch.cases(
            DIFFERENT.replace('"n": n}', '"n": float("nan") if is_here() else "\\ud800\\0\\x1b"}')
        )
        scratch.run(report=True)
        text = (scratch.path / "parwork.json").read_text(encoding="utf-8")

        def refuse(constant: str) -> float:
            raise AssertionError(constant)

        json.loads(text, parse_constant=refuse)

    def test_the_option_can_be_repeated_and_makes_folders(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL)
        scratch.run("--parwork-report=a.json", "--parwork-report=new/b.json")
        texts = {(scratch.path / name).read_text() for name in ("a.json", "new/b.json")}
        assert len(texts) == 1

    def test_the_ini_option_is_the_same(self, scratch: Scratch) -> None:
        scratch.write("pytest.ini", "[pytest]\nparwork_report = from_ini.json\n")
        scratch.cases(EQUAL)
        scratch.run()
        assert json.loads((scratch.path / "from_ini.json").read_text())["schema"] == 1

    def test_a_file_that_is_named_twice_is_written_once(self, scratch: Scratch) -> None:
        scratch.write("pytest.ini", "[pytest]\nparwork_report = same.json\n")
        scratch.cases(EQUAL)
        session = scratch.run("--parwork-report=./same.json", "--parwork-report=other.json")
        names = [line.rpartition("/")[2] for line in session.lines if "report written" in line]
        assert sorted(names) == ["other.json", "same.json"]

    def test_without_room_for_a_report_no_part_of_it_stays_and_the_results_stand(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="threads", workers=2)
            @pytest.mark.parametrize("n", range(100))
            def test_it(n): return n
            """
        )
        limited = ("sh", "-c", 'ulimit -f 16; exec "$@"', "sh")
        options = (
            "--parwork-report=large.json",
            "--parwork-report=small.md",
            "-p",
            "no:cacheprovider",
        )
        session = scratch.start(*options, command=limited).finish()
        assert (session.code, session.counts) == (pytest.ExitCode.TESTS_FAILED, {"passed": 100})
        assert f"NOT written: {scratch.path / 'large.json'}: File too large" in session.text
        assert (scratch.path / "small.md").read_text().startswith("## parwork: 1 workload")
        assert [file.name for file in scratch.path.iterdir() if "parwork-" in file.name] == []

    def test_a_path_that_cannot_be_written_to_is_an_error_before_anything_runs(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(EQUAL)
        scratch.write("file")
        session = scratch.run_apart("--parwork-report=file/report.json")
        assert session.code == pytest.ExitCode.USAGE_ERROR
        path = scratch.path / "file"
        told = f"--parwork-report={path / 'report.json'} cannot be written: {path} is not a folder"
        assert told in session.text
        assert session.counts == {}

    def test_a_file_that_could_not_be_written_makes_an_exit_code_of_0_a_1(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(dedent(EQUAL) + "def test_last():\n    open('new', 'w').close()\n")
        session = scratch.run("--parwork-report=new/report.json")
        assert session.counts == {"passed": 5}
        assert f"parwork report NOT written: {scratch.path / 'new/report.json'}: " in session.text
        assert "INTERNALERROR" not in session.text
        assert session.code == pytest.ExitCode.TESTS_FAILED

    def test_a_link_in_the_place_of_the_file_is_replaced(self, scratch: Scratch) -> None:
        scratch.cases(EQUAL)
        other = scratch.write("other.json", "of somebody else")
        (scratch.path / "parwork.json").symlink_to(other)
        assert scratch.run(report=True).report["schema"] == 1
        assert other.read_text(encoding="utf-8") == "of somebody else"

    def test_ids_of_classes_and_folders_are_node_ids(self, scratch: Scratch) -> None:
        scratch.write(
            "sub[1]/test_x.py",
            """
            import pytest

            class TestOuter:
                class TestInner:
                    @pytest.mark.parwork(backend="threads", workers=2)
                    @pytest.mark.parametrize("n", ["a[b]", "::"])
                    def test_it(self, n): return n
            """,
        )
        run = scratch.run(report=True).report["runs"][0]
        assert run["id"] == "sub[1]/test_x.py::TestOuter::TestInner::test_it"
        assert [case["id"].removeprefix(run["id"]) for case in run["cases"]] == ["[a[b]]", "[::]"]


class TestJunit:
    def properties(self, scratch: Scratch) -> dict[str, list[str | None]]:
        scratch.run("--junitxml=junit.xml", "-o", "junit_family=legacy")
        rows = ET.parse(scratch.path / "junit.xml").iter("testcase")
        return {
            row.get("name", ""): [
                tag.get("value")
                for tag in row.iter("property")
                if tag.get("name") == "parwork_verdict"
            ]
            for row in rows
        }

    @pytest.mark.parametrize(
        ("marker", "body", "verdict"),
        [
            ("", "return n", "EQUAL"),
            ("", "assert n == 5", "EQUAL"),
            ("", "pytest.skip('why')", "EQUAL"),
            ("", "return is_here()", "DIFFERENT"),
            (", verify=0", "return n", "NOT_VERIFIED"),
            ("", "is_here() or os._exit(1)", "LOST"),
        ],
    )
    def test_each_case_has_its_verdict_once(
        self, scratch: Scratch, marker: str, body: str, verdict: str
    ) -> None:
        scratch.cases(
            f"""
            @pytest.mark.parwork(backend="processes:fork", workers=2{marker})
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                {body}
            """
        )
        assert self.properties(scratch) == {f"test_it[{n}]": [verdict] for n in range(2)}

    def test_other_tests_have_none(self, scratch: Scratch) -> None:
        scratch.cases("def test_it(): pass\n")
        assert self.properties(scratch) == {"test_it": []}
