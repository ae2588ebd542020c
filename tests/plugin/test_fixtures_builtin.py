"""The fixtures of pytest itself, in a worker."""

from __future__ import annotations

import pytest

from .scratch import Scratch, slow

PROCESSES = [
    "processes:fork",
    slow("processes:spawn"),
    "joblib",
    slow("isolated:fork"),
    slow("dask"),
]
THREADS = ["threads", slow("joblib:threading")]


@pytest.fixture(autouse=True)
def _keeps(keeps_helpers: None) -> None:
    pass


def passes(scratch: Scratch, text: str, backend: str, *, cases: int = 3) -> None:
    """Run the tests in `text`, all marked; they pass, with equal values or outcomes."""
    scratch.cases(
        "import logging, subprocess, sys, warnings\n"
        f"pytestmark = [pytest.mark.parwork(backend='{backend}', workers=2),"
        " pytest.mark.parametrize('n', range(3))]\n" + text
    )
    # In this process, dask changes the handlers of the session around.
    run = scratch.run_apart if backend == "dask" else scratch.run
    session = run(report=True)
    assert session.counts == {"passed": cases}
    assert {case["verdict"] for run in session.report["runs"] for case in run["cases"]} == {"EQUAL"}


TMP_PATH = """
def test_it(n, tmp_path):
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text(str(n))
    time.sleep(0.01)
    note(str(tmp_path))
    return (tmp_path / "file").read_text()
"""


class TestFolders:
    @pytest.mark.parametrize("backend", [*PROCESSES, *THREADS])
    def test_tmp_path_is_another_one_for_every_case_and_leg(
        self, scratch: Scratch, backend: str
    ) -> None:
        passes(scratch, TMP_PATH, backend)
        folders = [note.split()[0] for note in scratch.notes()]
        assert len(set(folders)) == 6
        assert len({folder.rpartition("/pytest-")[0] for folder in folders}) == 1

    @pytest.mark.parametrize("policy", ["all", "failed", "none"])
    def test_they_are_kept_as_pytest_keeps_its_own(self, scratch: Scratch, policy: str) -> None:
        scratch.cases(
            f"""
            from pathlib import Path

            @pytest.mark.parwork(backend="processes:fork", workers=2)
            {TMP_PATH[1:].replace(chr(10), chr(10) + "            ")}
            """.replace("test_it(n, ", "test_it(").replace("str(n)", "'text'")
        )
        scratch.write("pytest.ini", f"[pytest]\ntmp_path_retention_policy = {policy}\n")
        assert scratch.run_apart("--basetemp=kept").counts == {"passed": 1}
        left = [path.parent.parent.name for path in (scratch.path / "kept").rglob("file")]
        here, there = ["kept"], ["parwork-test_it0"]
        # pytest removes its own later if the policy is none, unless --basetemp is given.
        assert sorted(left) == {"all": [*here, *there], "failed": [], "none": here}[policy]

    @pytest.mark.parametrize("backend", ["processes:spawn", "threads"])
    def test_tmp_path_factory(self, scratch: Scratch, backend: str) -> None:
        text = """
def test_it(n, tmp_path_factory, tmp_path):
    one, two = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("data")
    plain = tmp_path_factory.mktemp(f"plain{n}", numbered=False)
    assert one != two and plain.name == f"plain{n}"
    assert one.parent == tmp_path_factory.getbasetemp()
    with pytest.raises(FileExistsError):
        tmp_path_factory.mktemp(f"plain{n}", numbered=False)
    with pytest.raises(ValueError):
        tmp_path_factory.mktemp("../up")
    return one.is_dir(), list(two.iterdir())
"""
        passes(scratch, text, backend)

    @pytest.mark.sweep
    def test_a_case_that_is_tried_again_finds_an_empty_one(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="joblib", workers=2)
            @pytest.mark.parametrize("n", range(4))
            def test_it(n, tmp_path):
                assert list(tmp_path.iterdir()) == []
                (tmp_path / "file").write_text("")
                if n == 1 and not is_here(): os.kill(os.getpid(), 9)
                time.sleep(0.2)
                return n
            """
        )
        session = scratch.run_apart(report=True)
        verdicts = session.verdicts("test_it.py::test_it")
        assert verdicts.pop("1") == "LOST"
        assert set(verdicts.values()) == {"EQUAL"}


@pytest.mark.parametrize("backend", PROCESSES)
def test_monkeypatch(scratch: Scratch, backend: str) -> None:
    text = """
def test_it(n, monkeypatch, tmp_path):
    assert "PATCHED" not in os.environ
    monkeypatch.setenv("PATCHED", str(n))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "time", lambda: n)
    return os.environ["PATCHED"], time.time(), os.getcwd() == str(tmp_path)
"""
    passes(scratch, text, backend)


@pytest.mark.parametrize("backend", PROCESSES)
def test_capsys_and_capfd(scratch: Scratch, backend: str) -> None:
    text = """
def test_sys(n, capsys):
    print("first", n)
    print("wrong", n, file=sys.stderr)
    first = capsys.readouterr()
    with capsys.disabled():
        print("unseen")
    print("second")
    sys.stdout.buffer.write(b"bytes")
    assert first.out == f"first {n}\\n"
    return first, capsys.readouterr()

def test_fd(n, capfd):
    print("first", n)
    subprocess.run(["echo", "from a program"], check=True)
    with capfd.disabled():
        os.write(1, b"unseen")
    os.write(2, b"wrong")
    return capfd.readouterr()

def test_binary(n, capsysbinary):
    sys.stdout.buffer.write(b"\\xff")
    return capsysbinary.readouterr().out

def test_binary_fd(n, capfdbinary):
    os.write(1, b"\\xff")
    return capfdbinary.readouterr().out
"""
    passes(scratch, text, backend, cases=12)


@pytest.mark.parametrize("backend", [*PROCESSES, *THREADS])
def test_caplog_keeps_the_records_of_its_case(scratch: Scratch, backend: str) -> None:
    text = """
log = logging.getLogger("mine")

@pytest.fixture
def noisy():
    log.warning("set-up")
    yield
    log.warning("tear-down")

def test_it(n, noisy, caplog):
    log.info("not seen")
    log.warning("case %d", n)
    time.sleep(0.01)
    assert caplog.messages == [f"case {n}"]
    assert [record.getMessage() for record in caplog.get_records("setup")] == ["set-up"]
    text = caplog.text
    caplog.clear()
    assert caplog.records == [] and caplog.text == ""
    log.error("last")
    return text, caplog.record_tuples

def test_formatting(n, caplog):
    log.warning("case %d", n)
    return caplog.text
"""
    passes(scratch, text, backend, cases=6)


@pytest.mark.parametrize("backend", ["processes:fork", "processes:spawn"])
@pytest.mark.parametrize("level", ["INFO", "10"])
def test_caplog_sets_levels_and_follows_the_configuration(
    scratch: Scratch, backend: str, level: str
) -> None:
    scratch.write(
        "pytest.ini", f"[pytest]\nlog_level = {level}\nlog_format = <%(name)s> %(message)s\n"
    )
    text = """
log = logging.getLogger("mine")

def test_it(n, caplog):
    log.debug("by the configuration")
    caplog.set_level(logging.ERROR)
    log.warning("too low")
    with caplog.at_level("DEBUG", logger="mine"):
        log.debug("inside")
    with caplog.filtering(logging.Filter("other")):
        log.error("filtered")
    logging.disable(logging.CRITICAL)
    caplog.set_level(logging.DEBUG, logger="mine")
    log.debug("enabled")
    return caplog.text

def test_levels_are_given_back(n):
    return logging.root.manager.disable, log.level
"""
    passes(scratch, text, backend, cases=6)


def test_on_threads_caplog_has_the_level_that_is_configured(scratch: Scratch) -> None:
    scratch.write("pytest.ini", "[pytest]\nlog_level = INFO\n")
    text = """
log = logging.getLogger("mine")

def test_it(n, caplog):
    for number in range(5):
        log.info("case %d", number)
        time.sleep(0.002)
    return caplog.messages

def test_the_level_is_given_back(n):
    return logging.root.level
"""
    passes(scratch, text, "threads", cases=6)


@pytest.mark.parametrize("backend", PROCESSES)
def test_recwarn(scratch: Scratch, backend: str) -> None:
    text = """
def test_it(n, recwarn):
    warnings.warn(f"case {n}", UserWarning)
    assert len(recwarn) == 1
    return str(recwarn.pop(UserWarning).message), len(recwarn)
"""
    passes(scratch, text, backend)


def test_properties_are_recorded_by_the_serial_run(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        def test_it(record_property, record_xml_attribute):
            record_property("key", "value")
            record_xml_attribute("attribute", "value")
        """
    )
    options = ("-W", "ignore", "-o", "junit_family=xunit1", "--junitxml=out.xml")
    assert scratch.run(*options).counts == {"passed": 1}
    written = (scratch.path / "out.xml").read_text(encoding="utf-8")
    assert '<property name="key" value="value"' in written
    assert 'attribute="value"' in written
    assert '<property name="parwork_verdict" value="EQUAL"' in written


@pytest.mark.parametrize("backend", ["processes:fork", "joblib", "threads"])
def test_a_namespace_for_doctests_is_filled_for_nobody(scratch: Scratch, backend: str) -> None:
    """Many conftests do that in an autouse fixture."""
    scratch.write(
        "conftest.py",
        """
        import math
        import pytest

        @pytest.fixture(autouse=True)
        def add_imports(doctest_namespace):
            doctest_namespace["math"] = math
        """,
    )
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="{backend}", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n, doctest_namespace):
            return n, list(doctest_namespace)
        """
    )
    assert scratch.run().counts == {"passed": 3}


def test_a_verdict_that_comes_late_is_the_one_in_the_junit_file(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.fixture
        def odd():
            yield
            assert is_here()

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        def test_it(odd): pass
        """
    )
    scratch.run("--junitxml=out.xml", "-o", "junit_family=legacy")
    written = (scratch.path / "out.xml").read_text(encoding="utf-8")
    case = written.partition("<testcase")[2]
    assert case.count('name="parwork_verdict"') == 1
    assert '<property name="parwork_verdict" value="DIFFERENT"' in case


class TestOverridingOnes:
    def test_a_conftest_may_extend_them(self, scratch: Scratch) -> None:
        scratch.write(
            "conftest.py",
            """
            import pytest

            @pytest.fixture
            def tmp_path(tmp_path):
                folder = tmp_path / "inner"
                folder.mkdir()
                return folder

            @pytest.fixture
            def monkeypatch(monkeypatch):
                monkeypatch.setenv("EXTENDED", "1")
                return monkeypatch
            """,
        )
        text = """
def test_it(n, tmp_path, monkeypatch):
    return tmp_path.name, os.environ["EXTENDED"], type(monkeypatch)
"""
        passes(scratch, text, "processes:spawn")
