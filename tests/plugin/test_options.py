"""Options, ini options and hooks: defaults of a session, and errors that name the value."""

from __future__ import annotations

import pytest

from pytest_parwork.report.data import Report
from pytest_parwork.verify.reference import sample

from .scratch import Scratch, Session

#: Each set of parameters has its own rule, and most end before anything starts.
DAILY_OF_EACH = 100

CASES = """
    @pytest.mark.parwork
    @pytest.mark.parametrize("n", range(4))
    def test_it(n):
        note(n)
        return n
    """


def configurations(session: Session) -> list[str]:
    return [run["configuration"]["id"] for run in session.report["runs"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--parwork-backend=threads"], ["threads-auto"]),
        (["--parwork-backend=threads", "--parwork-workers=3"], ["threads-3"]),
        (["--parwork-backend=threads", "--parwork-workers=-1"], ["threads-auto"]),
        (["--parwork-backend=threads,serial"], ["threads-auto", "serial-auto"]),
        (["--parwork-backend=threads", "--parwork-workers=2,auto"], ["threads-2", "threads-auto"]),
        (
            ["--parwork-backend= threads , serial", "--parwork-workers=2, 3"],
            ["threads-2", "threads-3", "serial-2", "serial-3"],
        ),
        (
            ["--parwork-backend=threads:spam", "--parwork-backend=threads"],
            ["threads-auto"],
        ),
    ],
)
def test_options_give_what_a_test_does_not_name(
    scratch: Scratch, options: list[str], expected: list[str]
) -> None:
    scratch.cases(CASES)
    session = scratch.run(*options, report=True)
    assert configurations(session) == expected
    assert session.counts == {"passed": 4 * len(expected)}


@pytest.mark.parametrize(
    ("ini", "options", "expected"),
    [
        ("parwork_backend = threads", [], ["threads-auto"]),
        ("parwork_backend = threads, serial", [], ["threads-auto", "serial-auto"]),
        ("parwork_backend = threads\nparwork_workers = 2,3", [], ["threads-2", "threads-3"]),
        ("parwork_backend = serial", ["--parwork-backend=threads"], ["threads-auto"]),
        (
            "parwork_backend = threads\nparwork_workers = 2,3",
            ["--parwork-workers=4"],
            ["threads-4"],
        ),
    ],
)
def test_ini_options_are_the_same_and_weaker(
    scratch: Scratch, ini: str, options: list[str], expected: list[str]
) -> None:
    scratch.write("pytest.ini", f"[pytest]\n{ini}\n")
    scratch.cases(CASES)
    assert configurations(scratch.run(*options, report=True)) == expected


def test_ini_options_in_pyproject_work(scratch: Scratch) -> None:
    scratch.write(
        "pyproject.toml",
        "[tool.pytest.ini_options]\nparwork_backend = 'threads'\nparwork_workers = '2'\n",
    )
    scratch.cases(CASES)
    assert configurations(scratch.run(report=True)) == ["threads-2"]


def test_a_matrix_of_options_meets_a_test_that_names_one(scratch: Scratch) -> None:
    scratch.cases(CASES.replace("parwork\n", "parwork(workers=2)\n", 1))
    session = scratch.run("--parwork-backend=threads,serial", "--parwork-workers=3,4", report=True)
    assert configurations(session) == ["threads-2", "serial-2"]
    assert "test_it.py::test_it[threads-0]" in session.cases


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--parwork-backend=nope", "unknown backend 'nope'; known: dask, isolated[:fork|"),
        ("--parwork-backend=threads,nope", "unknown backend 'nope'"),
        ("--parwork-backend=threads,", "unknown backend ''"),
        ("--parwork-backend=threads,threads", "has a duplicate; give each value once"),
        ("--parwork-workers=many", "--parwork-workers=many: give a positive int"),
        ("--parwork-workers=2,many", "--parwork-workers=2,many: give a positive int"),
        ("--parwork-workers=2.5", "--parwork-workers=2.5: give a positive int"),
        ("--parwork-workers=0", "workers=0; give a positive int"),
        ("--parwork-workers=0", "(from --parwork-workers=0)"),
        ("--parwork-diagnose=yes", "--parwork-diagnose=yes: give on or off"),
        ("--parwork-workers=-3", "workers=-3; give a positive int"),
        ("--parwork-workers=2,2", "has a duplicate; give each value once"),
        ("--parwork-verify=some", "--parwork-verify=some: give the share of cases"),
        ("--parwork-verify=1.01", "verify=1.01; give the share of cases"),
        ("--parwork-verify=-1", "verify=-1.0; give the share of cases"),
        ("--parwork-verify=nan", "verify=nan; give the share of cases"),
        ("--parwork-report=report.xml", "--parwork-report=report.xml: the suffix must be one of"),
        ("--parwork-report=report", "--parwork-report=report: the suffix must be one of: .json"),
        ("--parwork-report=github", "the variable GITHUB_STEP_SUMMARY is not set"),
        ("--parwork-report=.", "--parwork-report=. cannot be written: it is a folder"),
    ],
)
@pytest.mark.parametrize("marked", [True, False])
def test_a_bad_option_is_a_usage_error(
    scratch: Scratch, option: str, told: str, marked: bool
) -> None:
    scratch.cases(CASES if marked else "def test_other(): note(0)\n")
    session = scratch.run(option)
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert told in session.text
    assert "Traceback" not in session.text
    assert scratch.notes() == []


@pytest.mark.parametrize(
    ("ini", "told"),
    [
        ("parwork_backend = nope", "unknown backend 'nope'"),
        ("parwork_workers = many", "many"),
        ("parwork_verify = 7", "verify=7.0"),
        ("parwork_report = out.txt", "the suffix must be one of"),
        ("parwork_verify = 7", "(from the ini option parwork_verify = 7)"),
        ("parwork_timeout = 1m", "the ini option parwork_timeout = 1m: give the seconds"),
        ("parwork_diagnose = maybe", "the ini option parwork_diagnose = maybe: give on or off"),
        ("parwork_serial = perhaps", "the ini option parwork_serial: invalid truth value"),
        ("parwork_all = perhaps", "the ini option parwork_all: invalid truth value"),
        ("parwork_strict = 2", "the ini option parwork_strict: invalid truth value"),
        ("parwork_selftest = 2", "the ini option parwork_selftest: invalid truth value"),
    ],
)
def test_a_bad_ini_option_is_a_usage_error(scratch: Scratch, ini: str, told: str) -> None:
    scratch.write("pytest.ini", f"[pytest]\n{ini}\n")
    scratch.cases(CASES)
    session = scratch.run("--parwork-diagnose=")
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert told in session.text
    assert "Traceback" not in session.text
    assert scratch.notes() == []


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("parwork_backend = 'threads'\nparwork_workers = 3", ["threads-3"]),
        ("parwork_backend = 'threads'\nparwork_diagnose = false", ["threads-auto"]),
    ],
)
def test_numbers_and_booleans_of_toml_work(
    scratch: Scratch, toml: str, expected: list[str]
) -> None:
    scratch.write("pyproject.toml", f"[tool.pytest.ini_options]\n{toml}\n")
    scratch.cases(CASES)
    assert configurations(scratch.run("--parwork-diagnose=", report=True)) == expected


@pytest.mark.parametrize("name", ["seed", "scope", "timeout", "backend", "workers"])
def test_a_list_of_toml_is_a_usage_error(scratch: Scratch, name: str) -> None:
    scratch.write("pyproject.toml", f"[tool.pytest.ini_options]\nparwork_{name} = ['1', '2']\n")
    scratch.cases(CASES)
    session = scratch.run()
    assert session.code == pytest.ExitCode.USAGE_ERROR
    commas = ", with commas between its values" if name in ("backend", "workers") else ""
    assert f"ini option parwork_{name} = ['1', '2']: give one text{commas}\n" in session.text


class TestVerify:
    @pytest.mark.parametrize(
        ("share", "verified"), [("0", 0), ("0.1", 4), ("0.5", 20), ("0.51", 21), ("1", 40)]
    )
    def test_the_share_is_rounded_up(self, scratch: Scratch, share: str, verified: int) -> None:
        """The first and the last case of both workers are always verified, in addition."""
        scratch.cases(CASES.replace("range(4)", "range(40)"))
        options = ("--parwork-backend=threads", "--parwork-workers=2", f"--parwork-verify={share}")
        session = scratch.run(*options, report=True)
        verdicts = list(session.verdicts("test_it.py::test_it").values())
        more = 4 if 0 < verified < 40 else 0
        assert verified <= verdicts.count("EQUAL") <= verified + more
        assert verdicts.count("EQUAL") + verdicts.count("NOT_VERIFIED") == 40
        here = sum(note.endswith(" here") for note in scratch.notes())
        assert here == verdicts.count("EQUAL")
        assert session.counts == {"passed": 40}

    @pytest.mark.parametrize(
        ("share", "title"),
        [
            ("0", "parwork: 1 workload, 40 not verified"),
            ("0.5", "parwork: 1 workload, {} equal to serial, {} not verified"),
        ],
    )
    def test_what_was_not_verified_is_counted_in_words(
        self, scratch: Scratch, share: str, title: str
    ) -> None:
        scratch.cases(CASES.replace("range(4)", "range(40)"))
        options = ("--parwork-backend=threads", "--parwork-workers=2", f"--parwork-verify={share}")
        session = scratch.run(*options, report=True)
        verified = list(session.verdicts("test_it.py::test_it").values()).count("EQUAL")
        assert session.title == title.format(verified, 40 - verified)
        assert f"not verified: verify={share}" in "\n".join(session.section)

    def test_the_same_cases_are_chosen_every_time(self) -> None:
        ids = [f"test_it[{n}]" for n in range(100)]
        chosen = sample(ids, 0.2)
        assert len(chosen) == 20
        assert sample(ids[::-1], 0.2) == chosen
        assert sample(ids[:50], 0.2) != chosen

    def test_the_marker_is_stronger(self, scratch: Scratch) -> None:
        scratch.cases(CASES.replace("parwork\n", "parwork(verify=1)\n", 1))
        session = scratch.run("--parwork-backend=threads", "--parwork-verify=0", report=True)
        assert set(session.verdicts("test_it.py::test_it").values()) == {"EQUAL"}

    def test_nothing_runs_serially_without_it(self, scratch: Scratch) -> None:
        scratch.cases(CASES)
        session = scratch.run("--parwork-backend=processes:fork", "--parwork-verify=0", report=True)
        assert sorted(scratch.notes()) == [f"{n} there" for n in range(4)]
        timing = session.run("test_it.py::test_it")["timing"]
        assert (timing["serial"], timing["speedup"]) == (None, None)

    def test_a_case_that_is_not_verified_has_its_parallel_outcome(self, scratch: Scratch) -> None:
        outcomes = {
            "raise ValueError('bad')": "failed",
            "assert n == 0": "failed",
            "pytest.skip('why')": "skipped",
            "pytest.fail('why')": "failed",
            "pytest.xfail('why')": "xfailed",
        }
        cases = [
            f"""
            @pytest.mark.parwork(backend="processes:fork", workers=2, verify=0)
            @pytest.mark.parametrize("n", range(2))
            def test_{number}(n):
                if n and not is_here():
                    {statement}
                return n
            """
            for number, statement in enumerate(outcomes)
        ]
        scratch.cases("".join(cases))
        session = scratch.run(report=True)
        for number, (statement, outcome) in enumerate(outcomes.items()):
            id = f"test_it.py::test_{number}"
            assert (session.cases[f"{id}[0]"], session.cases[f"{id}[1]"]) == ("passed", outcome)
            assert set(session.verdicts(id).values()) == {"NOT_VERIFIED"}, statement


class TestSerial:
    TEXT = """
        @pytest.fixture(scope="module", params=[1, 2])
        def wide(request):
            return request.param

        @pytest.mark.parwork(backend=["processes", "threads"], workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, wide):
            note(n)
            assert is_here()
            return n
        """

    @pytest.mark.parametrize("how", ["option", "ini"])
    def test_everything_runs_here_once(self, scratch: Scratch, how: str) -> None:
        scratch.cases(self.TEXT)
        scratch.write("pytest.ini", f"[pytest]\nparwork_serial = {str(how == 'ini').lower()}\n")
        session = scratch.run(*(["--parwork-serial"] if how == "option" else []))
        assert session.counts == {"passed": 8}
        assert [note.split()[1] for note in scratch.notes()] == ["here"] * 8

    def test_ids_are_the_same(self, scratch: Scratch) -> None:
        scratch.cases(self.TEXT)
        parallel = scratch.run("--collect-only", "-q").lines
        serial = scratch.run("--collect-only", "-q", "--parwork-serial").lines
        assert [line for line in serial if "::" in line] == [
            line for line in parallel if "::" in line
        ]

    def test_there_is_no_section(self, scratch: Scratch) -> None:
        scratch.cases(self.TEXT)
        assert scratch.run("--parwork-serial").section == []

    def test_returned_values_are_taken(self, scratch: Scratch) -> None:
        scratch.cases(self.TEXT)
        session = scratch.run("--parwork-serial")
        assert "PytestReturnNotNoneWarning" not in session.text

    def test_a_failure_is_the_plain_one(self, scratch: Scratch) -> None:
        scratch.cases(
            "@pytest.mark.parwork\n@pytest.mark.parametrize('n', [3])\n"
            "def test_it(n):\n    assert n == 4\n"
        )
        session = scratch.run("--parwork-serial")
        assert session.summary == ["FAILED test_it.py::test_it[3] - assert 3 == 4"]

    def test_no_backend_is_started(self, scratch: Scratch) -> None:
        scratch.write(
            "conftest.py",
            """
            class Broken:
                reach = "machine"
                def start(self, workers):
                    raise OSError("no workers")
                def close(self):
                    pass

            def pytest_parwork_backends():
                return {"broken": Broken()}
            """,
        )
        scratch.cases(CASES)
        assert scratch.run("--parwork-backend=broken", "--parwork-serial").counts == {"passed": 4}


class TestHelp:
    def test_options_are_in_the_help(self, scratch: Scratch) -> None:
        text = scratch.run("--help").text
        assert "parwork: serial and parallel runs of marked tests:" in text
        for option in (
            "--parwork-backend=NAMES",
            "--parwork-workers=NUMBERS",
            "--parwork-verify=SHARE",
            "--parwork-serial ",
            "--parwork-strict ",
            "--parwork-report=FILE",
        ):
            assert option in text
        told = " ".join(text.split())
        assert "for parwork tests that name no backend: default joblib" in told
        for ini in ("backend", "workers", "verify", "serial", "strict", "report"):
            assert f"parwork_{ini} (" in told

    def test_the_marker_is_listed_with_each_keyword(self, scratch: Scratch) -> None:
        lines = scratch.run("--markers").lines
        (first,) = [n for n, line in enumerate(lines) if line.startswith("@pytest.mark.parwork")]
        told = " ".join(lines[first : lines.index("", first)])
        assert told.startswith("@pytest.mark.parwork(backend=, workers=, compare=, verify=")
        assert "run the cases of this test serially and in parallel" in told
        for keyword in ("backend", "workers", "compare", "verify", "min_speedup", "chunksize"):
            assert f" {keyword}: " in told
        assert max(map(len, lines[first + 1 : lines.index("", first)])) <= 100


class TestHooks:
    OWN = """
        from pytest_parwork.backends import bundled

        def pytest_parwork_backends():
            return {"mine": bundled()["threads"]}
        """

    def test_a_conftest_can_add_a_backend(self, scratch: Scratch) -> None:
        scratch.write("conftest.py", self.OWN)
        scratch.cases(CASES.replace("parwork\n", "parwork(backend='mine', workers=2)\n", 1))
        session = scratch.run(report=True)
        assert configurations(session) == ["mine-2"]
        assert "mine-2" in "\n".join(session.section)

    def test_an_option_can_name_it(self, scratch: Scratch) -> None:
        scratch.write("conftest.py", self.OWN)
        scratch.cases(CASES)
        session = scratch.run("--parwork-backend=mine,serial", report=True)
        assert configurations(session) == ["mine-auto", "serial-auto"]

    def test_it_is_listed_among_the_known(self, scratch: Scratch) -> None:
        scratch.write("conftest.py", self.OWN)
        assert "known: dask, isolated[" in scratch.run("--parwork-backend=nope").text
        assert ", mine, " in scratch.run("--parwork-backend=nope").text

    def test_a_name_given_twice_is_an_error_naming_both(self, scratch: Scratch) -> None:
        scratch.write("conftest.py", self.OWN.replace("mine", "serial"))
        scratch.cases(CASES)
        session = scratch.run()
        assert session.code != 0
        assert "two plugins offer a backend 'serial': " in session.text
        assert "conftest.py" in session.text
        assert " parwork" in session.text.partition("two plugins offer")[2].partition(";")[0]
        assert scratch.notes() == []

    def test_the_report_is_logged_once(self, scratch: Scratch) -> None:
        scratch.cases(CASES)
        (report,) = logged_in(scratch, "--parwork-backend=threads,serial")
        assert [run.backend for run in report.runs] == ["threads", "serial"]
        assert all(len(run.cases) == 4 for run in report.runs)

    @pytest.mark.usefixtures("keeps_helpers")  # failures are looked at again in a fresh process
    def test_it_is_logged_though_cases_failed(self, scratch: Scratch) -> None:
        scratch.cases(CASES.replace("return n", "assert n"))
        (report,) = logged_in(scratch, "--parwork-backend=threads")
        assert len(report.runs[0].cases) == 4

    def test_nothing_is_logged_without_a_marker(self, scratch: Scratch) -> None:
        scratch.cases("def test_it(): pass\n")
        assert logged_in(scratch) == []


def logged_in(scratch: Scratch, *options: str) -> list[Report]:
    """Run pytest, and return the reports that the hook has had."""
    logged: list[Report] = []

    class Logging:
        def pytest_parwork_logreport(self, report: Report) -> None:
            logged.append(report)

    scratch.run(*options, plugins=[Logging()])
    return logged


class TestWithoutTheMarker:
    def test_there_is_no_section(self, scratch: Scratch) -> None:
        scratch.cases("def test_it(): pass\n")
        session = scratch.run()
        assert session.counts == {"passed": 1}
        assert "parwork" not in session.text.replace("plugins: parwork", "")

    def test_nothing_heavy_is_imported(self, scratch: Scratch) -> None:
        scratch.write(
            "test_plain.py",
            """
            import sys

            def test_it():
                heavy = {"joblib", "numpy", "cloudpickle", "threadpoolctl", "multiprocessing"}
                ours = {
                    "pytest_parwork.plugin.cases",
                    "pytest_parwork.plugin.collecting",
                    "pytest_parwork.plugin.running",
                    "pytest_parwork.plugin.sending",
                    "pytest_parwork.plugin.config.settings",
                    "pytest_parwork.plugin.calls.fixture",
                    "pytest_parwork.runner",
                    "pytest_parwork.report.data",
                    "pytest_parwork.report.as_json",
                    "pytest_parwork.report.terminal",
                    "pytest_parwork.backends",
                    "pytest_parwork.equivalence",
                }
                assert not (heavy | ours) & sys.modules.keys()
            """,
        )
        assert scratch.run_apart(is_cold=True).counts == {"passed": 1}

    def test_the_report_is_written_all_the_same_when_asked_for(self, scratch: Scratch) -> None:
        scratch.cases("def test_it(): pass\n")
        assert scratch.run(report=True).report["runs"] == []
