"""Sessions whose tests, workers and names contain control codes of terminals."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

from .scratch import Scratch

#: A text of tests; the text that is shown; the text where colours are kept.
SAID = r"\x1b[2J\x1b[31mred\u202e\x07"
SHOWN = r"\x1b[2J\x1b[31mred\u202e\x07"
COLOURED = "\\x1b[2J\x1b[31mred\\u202e\\x07"

#: A case that raises, warns, prints and logs in its worker only.
IN_WORKER = f'''
    import logging, sys, warnings

    SAID = "{SAID}"

    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_it(n):
        if not is_here():
            {{deed}}
        return n
    '''

RAW = re.compile(r"\x1b\[2J|\u202e|\x07")


@pytest.mark.parametrize("verify", ["1", "0"])
def test_an_exception(scratch: Scratch, verify: str) -> None:
    scratch.cases(IN_WORKER.format(deed="raise ValueError(SAID)"))
    session = scratch.run_apart(f"--parwork-verify={verify}", report=True)
    assert session.counts == {"failed": 2}
    assert f"ValueError: {SHOWN}" in session.text
    assert not RAW.search(session.text)
    assert not RAW.search(json.dumps(session.report, ensure_ascii=False))


def test_the_reason_of_a_skip(scratch: Scratch) -> None:
    scratch.cases(IN_WORKER.format(deed="pytest.skip(SAID)"))
    session = scratch.run_apart("--parwork-verify=0", "-rs")
    assert session.counts == {"skipped": 2}
    assert SHOWN in session.text
    assert not RAW.search(session.text)


def test_output_of_a_worker_keeps_only_its_colours(scratch: Scratch) -> None:
    deed = "print(SAID); print(SAID, file=sys.stderr); logging.warning(SAID)"
    scratch.cases(IN_WORKER.format(deed=deed).replace("return n", "return is_here()"))
    session = scratch.run_apart("--junitxml=junit.xml")
    assert session.counts == {"failed": 2}
    assert session.text.count(f"{COLOURED}\n\x1b[0m") >= 4  # stdout and stderr of two cases
    assert session.text.count(COLOURED) == 6
    assert not RAW.search(session.text)
    assert not RAW.search("".join(ET.parse(scratch.path / "junit.xml").getroot().itertext()))


def test_a_warning_of_a_worker(scratch: Scratch) -> None:
    scratch.cases(IN_WORKER.format(deed="warnings.warn(SAID)"))
    session = scratch.run_apart("-Wdefault")
    assert session.counts == {"passed": 2, "warnings": 2}
    assert f"UserWarning: {SHOWN}" in session.text
    assert not RAW.search(session.text)


def test_what_a_function_and_a_hook_say_of_values(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        f"""
        from pytest_parwork import Mismatch

        def pytest_parwork_compare(actual, expected, path):
            if actual != expected:
                return [Mismatch(path="{SAID}", kind="{SAID}", actual="{SAID}", expected="1")]
        """,
    )
    scratch.cases(
        f"""
        def judge(actual, expected):
            raise AssertionError("{SAID}")

        @pytest.mark.parwork(backend="threads", workers=2, compare=judge)
        @pytest.mark.parametrize("n", range(2))
        def test_judge(n):
            return n

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_hook(n):
            return is_here()

        def test_calls(parwork):
            parwork.map(str, range(2), backend="threads", workers=2, compare=judge)
        """
    )
    session = scratch.run("--junitxml=junit.xml", report=True)
    assert session.counts == {"failed": 5}
    assert session.text.count("mred\\u202e") > 5
    assert not RAW.search(session.text)
    assert not RAW.search(json.dumps(session.report, ensure_ascii=False))
    assert not RAW.search((scratch.path / "junit.xml").read_text(encoding="utf-8"))


def test_why_a_backend_could_not_start(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        f"""
        class Own:
            reach = "machine"
            def start(self, workers): raise OSError("{SAID}")
            def close(self): pass

        def pytest_parwork_backends():
            return {{"own": Own()}}
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(backend="own", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_cases(n):
            return n

        def test_calls(parwork):
            parwork.map(str, range(2), backend="own", workers=2)
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"failed": 3}
    section = session.section
    ours = [line for line in session.lines if "start 2 workers: " in line and line not in section]
    heads = [line for line in ours if line.startswith("NOT_SENT: ")]
    assert len(heads) == 1, "of the first case; another case refers to the first"
    assert len(ours) > len(heads), "of the calls"
    assert [line for line in ours if SHOWN not in line] == []
    assert " ".join(" ".join(section).split()).count(f"OSError: {SHOWN}") == 1
    assert not RAW.search("\n".join([*ours, *section]))
    assert not RAW.search(json.dumps(session.report, ensure_ascii=False))


def test_the_name_of_a_folder(scratch: Scratch) -> None:
    folder = "folder\x1b[2J\u202e"
    scratch.write("conftest.py")
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            return is_here()

        def test_calls(parwork):
            parwork.map(str, range(2), backend="threads", workers=2)
        """,
        path=f"{folder}/test_it.py",
    )
    session = scratch.run("-v", "--durations=0", report=True)
    assert session.counts == {"failed": 2, "passed": 1}
    assert r"folder\x1b[2J\u202e/test_it.py::test_it" in "\n".join(session.section)
    assert not RAW.search("\n".join(session.section))
    ids = [run["id"] for run in session.report["runs"]]
    assert ids == [
        r"folder\x1b[2J\u202e/test_it.py::test_it",
        r"folder\x1b[2J\u202e/test_it.py::test_calls::map[0]",
    ]
    # The calls are a part of their test, whose duration is shown.
    durations = [line for line in session.lines if " parwork " in line and "s " in line]
    assert [line for line in durations if "map[0]" in line] == []


def test_the_tear_down_of_a_fixture(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        @pytest.fixture
        def torn():
            yield 1
            if not is_here():
                raise ValueError("{SAID}")

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, torn):
            return n
        """
    )
    for verify in ("1", "0"):
        session = scratch.run_apart(f"--parwork-verify={verify}")
        assert session.code == 1
        assert SHOWN in session.text
        assert not RAW.search(session.text)
