"""Other plugins: they treat cases as any tests, and parwork does not change their behaviour.

Each test needs its plugin, and the last ones need all; `tox -e company` has them.
"""

from __future__ import annotations

import importlib.util
import json
import re
import xml.etree.ElementTree as ET

import pytest

from .scratch import Scratch, Session, slow

CASES = """
    @pytest.mark.parwork(backend=["processes:fork", "joblib"], workers=2)
    @pytest.mark.parametrize("n", range(4))
    def test_it(n):
        assert n != 3
        return n if n != 2 else is_here()

    def test_other(): pass
    """

#: What comes of these, whichever plugin looks on.
COUNTS = {"passed": 5, "failed": 4}

#: Each plugin by the module to import, with the name by which pytest loads it.
PLUGINS = {
    "pytest_asyncio": "asyncio",
    "pytest_benchmark": "benchmark",
    "pytest_cov": "pytest_cov",
    "_hypothesis_pytestplugin": "hypothesispytest",
    "pytest_html": "html",
    "pytest_jsonreport": "pytest_jsonreport",
    "pytest_metadata": "metadata",
    "pytest_mock": "pytest_mock",
    "pytest_randomly": "randomly",
    "pytest_rerunfailures": "rerunfailures",
    "pytest_run_parallel": "run-parallel",
    "pytest_sugar": "sugar",
    "pytest_timeout": "timeout",
    "xdist": "xdist",
}


def needs(*modules: str) -> list[str]:
    """Skip without the plugins, else return the options that load them."""
    for module in modules:
        pytest.importorskip(module)
    return [word for module in modules for word in ("-p", PLUGINS[module])]


def is_as_ever(session: Session) -> bool:
    counts = {noun: number for noun, number in session.counts.items() if noun in COUNTS}
    return counts == COUNTS and all(
        [case["verdict"] for case in run["cases"]] == ["EQUAL", "EQUAL", "DIFFERENT", "EQUAL"]
        for run in session.report["runs"]
    )


class TestCoverage:
    LIBRARY = """
        import os

        def is_here():
            return os.environ.get("HOME_PID") == str(os.getpid())

        def compute(n):
            if is_here():
                return n
            found = n + 1  # in workers only
            return found - 1
        """

    @pytest.fixture(autouse=True)
    def project(self, scratch: Scratch) -> None:
        scratch.write("library.py", self.LIBRARY)
        scratch.write(
            ".coveragerc",
            "[run]\nbranch = true\npatch =\n    subprocess\n    _exit\nsigterm = true\n",
        )
        scratch.cases(
            """
            os.environ.setdefault("HOME_PID", str(os.getpid()))
            from library import compute

            @pytest.mark.parwork(workers=2)
            @pytest.mark.parametrize("n", range(4))
            def test_it(n): return compute(n)
            """
        )

    @pytest.mark.parametrize(
        "backend",
        [
            "processes:fork",
            "processes:spawn",
            "multiprocessing:fork",
            "multiprocessing:spawn",
            "isolated:fork",
            "multiprocessing:spawn:imap",
            "joblib",
            "dask",
        ],
    )
    def test_lines_that_run_in_workers_are_counted(self, scratch: Scratch, backend: str) -> None:
        options = needs("pytest_cov")
        session = scratch.run_apart(
            *options,
            "--cov=library",
            f"--parwork-backend={backend}",
            "--cov-report=term-missing",
            is_cold=True,  # coverage replaces `os._exit` before others import it
        )
        assert re.search(r"^library.py .* 100%", session.text, re.MULTILINE)
        assert session.counts == {"passed": 4}

    @pytest.mark.parametrize("backend", ["joblib", "processes:spawn"])
    def test_so_are_those_of_calls(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(
            """
            os.environ.setdefault("HOME_PID", str(os.getpid()))
            from library import compute

            def test_calls(parwork): parwork.map(compute, range(4), workers=2)
            """
        )
        session = scratch.run_apart(
            *needs("pytest_cov"),
            "--cov=library",
            f"--parwork-backend={backend}",
            "--cov-report=term-missing",
        )
        assert re.search(r"^library.py .* 100%", session.text, re.MULTILINE)

    def test_so_they_are_under_xdist(self, scratch: Scratch) -> None:
        options = needs("pytest_cov", "xdist")
        session = scratch.run_apart(*options, "-n2", "--cov=library", "--cov-report=term-missing")
        assert re.search(r"^library.py .* 100%", session.text, re.MULTILINE)


class TestTimeout:
    SLOW = """
        @pytest.mark.parwork(backend="processes:fork", workers=2{keywords})
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            if n == 1:
                while True:
                    time.sleep(0.01)
            time.sleep(0 if is_here() else 0.4)
            return n
        """

    @pytest.mark.parametrize(
        ("how", "method"),
        [
            ("option", "signal"),
            ("option", "thread"),
            ("ini", "signal"),
            ("environment", "signal"),
            ("mark", "thread"),
        ],
    )
    def test_it_limits_each_case_and_not_all_of_them(
        self, scratch: Scratch, monkeypatch: pytest.MonkeyPatch, how: str, method: str
    ) -> None:
        options = [*needs("pytest_timeout"), f"--timeout-method={method}"]
        text = self.SLOW.format(keywords="")
        if how == "option":
            options.append("--timeout=1")
        elif how == "ini":
            scratch.write("pytest.ini", "[pytest]\ntimeout = 1\n")
        elif how == "environment":
            monkeypatch.setenv("PYTEST_TIMEOUT", "1")
        else:
            text = text.replace(
                "    @pytest.mark.param",
                "    @pytest.mark.timeout(1)\n" + " " * 8 + "@pytest.mark.param",
            )
        scratch.cases(text)
        session = scratch.run_apart(*options, report=True)
        assert session.counts == {"passed": 5, "failed": 1}
        verdicts = session.verdicts("test_it.py::test_it")
        assert verdicts == dict.fromkeys("02345", "EQUAL") | {"1": "LOST"}
        assert "LOST: timed out after 1 s" in session.text

    def test_that_of_the_marker_is_nearer(self, scratch: Scratch) -> None:
        scratch.cases(self.SLOW.format(keywords=", timeout=0.7"))
        session = scratch.run_apart(*needs("pytest_timeout"), "--timeout=30")
        assert "LOST: timed out after 0.7 s" in session.text
        assert session.counts == {"passed": 5, "failed": 1}

    def test_the_serial_run_is_its_own_affair(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(3))
            def test_it(n):
                time.sleep(30 if n == 1 and is_here() else 0)
                return n
            """
        )
        session = scratch.run_apart(*needs("pytest_timeout"), "--timeout=1", report=True)
        assert session.counts == {"passed": 2, "failed": 1}
        assert "Timeout (>1.0s) from pytest-timeout" in session.text

    @pytest.mark.parametrize("method", ["thread", slow("signal")])
    def test_in_a_fork_the_limit_of_parwork_holds(self, scratch: Scratch, method: str) -> None:
        scratch.cases(self.SLOW.format(keywords="").replace("processes:fork", "isolated:fork"))
        scratch.write("pytest.ini", "[pytest]\ntimeout = 1\ntimeout_func_only = true\n")
        options = [*needs("pytest_timeout"), f"--timeout-method={method}"]
        session = scratch.run_apart(*options, report=True)
        assert session.counts == {"passed": 5, "failed": 1}
        assert "LOST: timed out after 1 s" in session.text

    @pytest.mark.parametrize("method", ["thread", slow("signal")])
    @pytest.mark.parametrize("body", ["case", slow("call"), slow("variant")])
    def test_a_diagnosis_is_no_part_of_the_test(
        self, scratch: Scratch, method: str, body: str
    ) -> None:
        scratch.cases(
            f"""
            STATE = []

            def count(n):
                STATE.append(n)
                return len(STATE)

            if {body!r} == "case":
                @pytest.mark.parwork(backend="processes:fork", workers=2)
                @pytest.mark.parametrize("n", range(3))
                def test_it(n): return count(n)
            elif {body!r} == "call":
                def test_it(parwork): parwork.map(count, range(3), backend="processes", workers=2)
            else:
                @pytest.mark.parwork(vary={{"n": [1, 2]}})
                def test_it(n): return count(n)
            """
        )
        options = [*needs("pytest_timeout"), f"--timeout-method={method}", "--timeout=0.7"]
        session = scratch.run_apart(*options, "--parwork-diagnose=on")
        assert "Timeout" not in session.text
        assert session.counts["failed"] >= 1
        assert re.search("cause +[A-Z_]+", session.text)

    ENDLESS = """
        class Endless:
            def __eq__(self, other):
                while True:
                    time.sleep(0.01)
            __hash__ = object.__hash__

        @pytest.mark.parwork(backend="processes:fork", workers=2{keywords})
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            return Endless() if n == 1 else n
        """

    def test_a_comparison_without_an_end_has_the_limit_that_is_nearer(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(self.ENDLESS.format(keywords=", timeout=0.7"))
        session = scratch.run_apart(*needs("pytest_timeout"), "--timeout=30", report=True)
        assert session.counts == {"passed": 2, "failed": 1}
        assert session.verdicts("test_it.py::test_it")["1"] == "DIFFERENT"
        assert "comparing the two results took longer than 0.7 s" in session.text
        scratch.cases(self.ENDLESS.format(keywords=", timeout=30"))
        session = scratch.run_apart(*needs("pytest_timeout"), "--timeout=1")
        assert session.counts == {"passed": 2, "failed": 1}
        assert "Timeout (>1.0s) from pytest-timeout" in session.text


class TestRandomly:
    UNSEEDED = """
        import random
        np = pytest.importorskip("numpy")

        @pytest.fixture(scope="module", params=["x", "y"])
        def wide(request): return request.param

        class TestInside:
            @pytest.mark.parwork(
                backend=["processes:fork", "joblib", "isolated:fork"], workers=[2, 3]
            )
            @pytest.mark.parametrize("n", range(4))
            def test_it(self, n, wide):
                return n, wide, random.random(), np.random.random(3)

        @pytest.mark.parwork(backend="isolated:spawn", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_plain(n):
            return random.random()
        """

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_unseeded_cases_are_seeded_alike_in_both_legs(
        self, scratch: Scratch, seed: int
    ) -> None:
        scratch.cases(self.UNSEEDED)
        session = scratch.run_apart(
            *needs("pytest_randomly"), f"--randomly-seed={seed}", report=True
        )
        assert session.counts == {"passed": 50}

    def test_so_are_cases_with_fixtures_that_draw(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            np = pytest.importorskip("numpy")

            @pytest.fixture
            def drawn(tmp_path):
                return random.random(), np.random.random()

            class TestInside:
                def setup_method(self):
                    self.first = random.random()

                @pytest.mark.parwork(
                    backend=["processes:fork", "joblib", "isolated:fork"], workers=[2, 3]
                )
                @pytest.mark.parametrize("n", range(3))
                def test_it(self, n, drawn):
                    return self.first, drawn, random.random(), np.random.random()

            @pytest.mark.parwork(backend="processes:spawn", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_plain(n, drawn):
                return drawn, random.random()
            """
        )
        session = scratch.run_apart(*needs("pytest_randomly"), "--randomly-seed=4", report=True)
        assert session.counts == {"passed": 20}

    def test_the_command_that_repeats_a_failure_has_its_seed(self, scratch: Scratch) -> None:
        scratch.cases(CASES)
        session = scratch.run_apart(*needs("pytest_randomly"), "--randomly-seed=77")
        assert (
            'pytest "test_it.py::test_it[joblib-2]" --parwork-serial --randomly-seed=77'
            in session.text
        )

    def test_another_seed_gives_other_values_and_serial_gives_the_same(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend=["processes:fork", "processes:spawn"], workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                note(f"{n} {random.random()}")
            """
        )
        drawn = []
        for options in (["-p", "no:parwork"], [], ["--parwork-serial"]):
            for seed in (1, 2):
                scratch.run_apart(*needs("pytest_randomly"), f"--randomly-seed={seed}", *options)
                drawn.append({note.rsplit(" ", 1)[0] for note in scratch.notes()})
        _, _, first, second, again, also = drawn
        assert len(first) == len(second) == 2  # the cases, whatever ran them
        assert not first & second
        assert (again, also) == (first, second)

    def test_without_a_matrix_the_values_are_those_without_parwork(self, scratch: Scratch) -> None:
        scratch.write("pytest.ini", "[pytest]\nmarkers = parwork: of a plugin\n")
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                note(f"{n} {random.random()}")
            """
        )
        drawn = []
        for options in (["-p", "no:parwork"], []):
            scratch.run_apart(*needs("pytest_randomly"), "--randomly-seed=5", *options)
            drawn.append({note.rsplit(" ", 1)[0] for note in scratch.notes()})
        assert drawn[0] == drawn[1]

    def test_who_wants_no_seeds_gets_none(self, scratch: Scratch) -> None:
        scratch.cases(self.UNSEEDED)
        options = [*needs("pytest_randomly"), "--randomly-dont-reset-seed"]
        session = scratch.run_apart(*options, "-k", "plain")
        assert session.counts == {"failed": 2, "deselected": 48}


class TestReports:
    def test_json_report_has_each_case_once(self, scratch: Scratch) -> None:
        options = needs("pytest_metadata", "pytest_jsonreport")
        scratch.cases(CASES)
        session = scratch.run_apart(
            *options, "--json-report", "--json-report-file=their.json", report=True
        )
        assert is_as_ever(session)
        their = json.loads((scratch.path / "their.json").read_text())
        assert their["summary"] == {"passed": 5, "failed": 4, "total": 9, "collected": 9}
        assert len({test["nodeid"] for test in their["tests"]}) == 9

    def test_html_has_each_case_once(self, scratch: Scratch) -> None:
        options = [*needs("pytest_metadata", "pytest_html"), "-p", "html_fixtures", "-W", "default"]
        scratch.cases(CASES)
        session = scratch.run_apart(
            *options, "--html=their.html", "--self-contained-html", report=True
        )
        assert is_as_ever(session)
        page = (scratch.path / "their.html").read_text()
        (blob,) = re.findall(r'data-jsonblob="([^"]*)"', page)
        tests = json.loads(blob.replace("&#34;", '"').replace("&amp;", "&"))["tests"]
        assert len(tests) == 9
        assert "DIFFERENT: serial True" in page

    @pytest.mark.parametrize("processes", [[], ["-p", "xdist", "-n2"]])
    def test_sugar_shows_ours_too(self, scratch: Scratch, processes: list[str]) -> None:
        scratch.cases(CASES)
        session = scratch.run_apart(
            *needs("pytest_sugar"), *processes, "--durations=2", report=True
        )
        assert session.title.startswith("parwork: 1 workload, 2 cases DIFFERENT")
        assert "parwork  test_it.py::test_it[joblib-2]" in session.text
        assert [run["verdict"] for run in session.report["runs"]] == ["DIFFERENT"] * 2


class TestRunParallel:
    @pytest.mark.parametrize("options", [["--parallel-threads=3"], ["--iterations=3"]])
    def test_cases_are_run_once_and_others_as_ever(
        self, scratch: Scratch, options: list[str]
    ) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:fork", workers=2, min_speedup=1e-9)
            @pytest.mark.parametrize("n", range(3))
            def test_it(n):
                note(n)
                return n

            def test_calls(parwork):
                assert parwork.map(abs, [1, -2], backend="threads", workers=2) == [1, 2]

            def test_other(): note("other")
            """
        )
        session = scratch.run_apart(*needs("pytest_run_parallel"), *options, "-v", report=True)
        assert session.counts["passed"] == 6
        notes = scratch.notes()
        assert sorted(note for note in notes if "other" not in note) == sorted(
            f"{n} {place}" for n in range(3) for place in ("here", "there")
        )
        assert sum("other" in note for note in notes) == 3
        assert session.verdicts("test_it.py::test_it") == dict.fromkeys("012", "EQUAL")


class TestInFork:
    """Their fixtures that need pytest itself have it on `isolated:fork`."""

    def test_mocker(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="isolated:fork", workers=2)
            @pytest.mark.parametrize("n", range(3))
            def test_it(n, mocker):
                there = mocker.patch("os.getcwd", return_value=f"nowhere {n}")
                return os.getcwd(), there.call_count

            def test_other(): assert os.path.isdir(os.getcwd())
            """
        )
        assert scratch.run_apart(*needs("pytest_mock")).counts == {"passed": 4}

    def test_benchmark(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="isolated:fork", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, benchmark):
                return benchmark.pedantic(abs, args=(-n,), rounds=3)
            """
        )
        session = scratch.run_apart(*needs("pytest_benchmark"), report=True)
        assert session.counts == {"passed": 2}
        assert "2 tests" in session.text

    def test_async_fixtures(self, scratch: Scratch) -> None:
        scratch.write("pytest.ini", ASYNCIO)
        scratch.cases(
            """
            import asyncio, pytest_asyncio

            @pytest_asyncio.fixture
            async def later():
                await asyncio.sleep(0)
                yield 7
                await asyncio.sleep(0)
                note("torn")

            @pytest.mark.parwork(backend="isolated:fork", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, later):
                return n + later
            """
        )
        # Cold: pytest warns of a plugin whose name is that of a module which is imported already.
        session = scratch.run_apart(*needs("pytest_asyncio"), "-W", "default", is_cold=True)
        assert session.counts == {"passed": 2}
        assert sorted(scratch.notes()) == ["torn here"] * 2 + ["torn there"] * 2


class TestRefused:
    @pytest.mark.parametrize(
        ("module", "text", "told"),
        [
            (
                "hypothesis",
                """
                from hypothesis import given, strategies as st
                @pytest.mark.parwork
                @given(n=st.integers())
                def test_it(n): note("ran")
                """,
                "a test with @given cannot be fanned out",
            ),
            (
                "pytest_asyncio",
                """
                @pytest.mark.parwork
                @pytest.mark.asyncio
                async def test_it(): note("ran")
                """,
                "an async test cannot be fanned out; call asyncio.run() inside",
            ),
        ],
        ids=["hypothesis", "asyncio"],
    )
    def test_by_name_with_advice(self, scratch: Scratch, module: str, text: str, told: str) -> None:
        pytest.importorskip(module)
        plugin = {"hypothesis": "_hypothesis_pytestplugin"}.get(module, module)
        scratch.write("pytest.ini", ASYNCIO)
        scratch.cases(text)
        session = scratch.run_apart(*needs(plugin), "-W", "default")
        assert session.code == pytest.ExitCode.USAGE_ERROR
        assert told in session.text
        assert "Traceback" not in session.text
        assert scratch.notes() == []

    def test_the_advice_for_hypothesis_works(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            from hypothesis import HealthCheck, given, settings, strategies as st

            @settings(
                max_examples=5, deadline=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture],
            )
            @given(numbers=st.lists(st.integers()))
            def test_it(parwork, numbers):
                run = parwork.map(abs, numbers, backend="threads", workers=2)
                assert run == [abs(number) for number in numbers]
            """
        )
        session = scratch.run_apart(*needs("_hypothesis_pytestplugin"))
        assert session.counts == {"passed": 1}


#: Or pytest-asyncio warns of a default.
ASYNCIO = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"

#: Cases, in a module of their own: workers import it, and need not import all the plugins.
AMONG_THEM = """
    @pytest.mark.parwork(backend=["processes:fork", "joblib"], workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_it(n):
        return n, random.random()
    """

#: Tests of all the plugins, alongside these.
EVERYONE = """
    import asyncio
    from hypothesis import given, strategies as st

    @pytest.mark.asyncio
    async def test_async():
        await asyncio.sleep(0)

    @given(st.integers())
    def test_given(n):
        assert n == n

    def test_timed(benchmark):
        assert benchmark(abs, -1) == 1

    @pytest.mark.flaky(reruns=2)
    def test_flaky(tries=[]):
        tries.append(1)
        assert len(tries) > 1

    @pytest.mark.timeout(30)
    def test_limited(): pass

    def test_subtests(subtests):
        for n in range(2):
            with subtests.test(n=n):
                assert n in (0, 1)

    def test_calls(parwork):
        assert parwork.map(abs, [1, -2], backend="threads", workers=2) == [1, 2]
    """


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, PLUGINS)) or not hasattr(pytest, "Subtests"),
    reason="needs all plugins, and pytest 9 for subtests",
)
@pytest.mark.parametrize("processes", [[], ["-n2"]], ids=["alone", "xdist"])
def test_all_of_them_together(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, processes: list[str]
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:faulthandler")
    scratch.write("pytest.ini", ASYNCIO)
    scratch.cases(AMONG_THEM)
    scratch.cases(EVERYONE, "test_theirs.py")
    session = scratch.run_apart(
        *processes,
        "--cov=.",
        "--html=their.html",
        "--json-report",
        "--junitxml=junit.xml",
        "--timeout=40",
        "--durations=3",
        report=True,
    )
    assert session.code == 0
    assert [run["verdict"] for run in session.report["runs"]] == ["EQUAL"] * 3
    assert {case["verdict"] for run in session.report["runs"] for case in run["cases"]} == {"EQUAL"}
    their = json.loads((scratch.path / ".report.json").read_text())
    outcomes = {test["nodeid"]: test["outcome"] for test in their["tests"]}
    assert len(outcomes) == 13
    assert set(outcomes.values()) <= {"passed", "rerun"}
    rows = list(ET.parse(scratch.path / "junit.xml").iter("testcase"))
    assert sum(row.get("name", "").startswith("test_it[") for row in rows) == 6
