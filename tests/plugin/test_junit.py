"""The flat properties of JUnit files: at each case in the legacy family, else on the suite."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from .scratch import Scratch, Session

#: The schema that pytest's documentation names for xunit2: of the plugin xunit of Jenkins, as in
#: pytest's own tests. Its MIT licence is in it.
SCHEMA = Path(__file__).parents[1] / "support" / "junit-10.xsd"

CASES = """
    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_equal(n): return n

    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_different(n):
        if n == 2: pytest.skip("not this one")
        return is_here()

    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_raises(n):
        assert n == is_here(), "a \\x1b[1m <text> & more"

    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_lost(n):
        is_here() or n or os._exit(3)

    @pytest.mark.parwork(vary={"n_jobs": [1, 2]})
    def test_varied(n_jobs): return n_jobs

    @pytest.mark.parwork(backend="processes:fork")
    @pytest.mark.parametrize("text", ["a & <b>", "\\x1b[0m", "\\udc80"])
    def test_texts(text): return text

    def test_calls(parwork):
        assert parwork.map(abs, [-1, 2], backend="threads", workers=2) == [1, 2]

    def test_other(): pass
    """


def validate(root: ET.Element) -> None:
    """Raise an error if this is not what the schema of xunit2 describes."""
    xmlschema = pytest.importorskip("xmlschema")
    xmlschema.XMLSchema(str(SCHEMA)).validate(root)


def of_suite(root: ET.Element) -> list[tuple[str, str]]:
    found = root.findall("./testsuite/properties/property")
    return [(each.get("name", ""), each.get("value", "")) for each in found]


def of_cases(root: ET.Element) -> Mapping[str, list[tuple[str, str]]]:
    """Return the properties of each test case by its name."""
    return {
        row.get("name", ""): [
            (each.get("name", ""), each.get("value", "")) for each in row.iter("property")
        ]
        for row in root.iter("testcase")
    }


def junit(scratch: Scratch) -> ET.Element:
    return ET.parse(scratch.path / "junit.xml").getroot()


def _run(scratch: Scratch, *options: str) -> Session:
    scratch.cases(CASES)
    return scratch.run_apart("--junitxml=junit.xml", *options)


def _names_all(pairs: list[tuple[str, str]]) -> None:
    """Check the verdicts of the cases, each named once."""
    names = Counter(name for name, _ in pairs)
    assert set(names.values()) == {1}, [name for name in names if names[name] > 1]
    found = dict(pairs)
    assert found["parwork_verdict"] == "LOST"
    where = "parwork_verdict test_it.py::"
    verdicts = {
        name.removeprefix(where): value
        for name, value in pairs
        if name.startswith(where) and name.endswith("]")
    }
    assert verdicts.pop("test_lost[0]") == "LOST"
    assert verdicts["test_different[0]"] == verdicts["test_varied[n_jobs:2]"] == "DIFFERENT"
    assert verdicts["test_different[2]"] == "EQUAL", "both runs skip it"
    assert verdicts["test_calls::map[0][1]"] == verdicts["test_equal[2]"] == "EQUAL"


def test_the_file_is_valid_by_the_schema_of_xunit2(scratch: Scratch) -> None:
    session = _run(scratch)
    assert session.code == 1
    root = junit(scratch)
    validate(root)
    assert not any(of_cases(root).values())
    pairs = of_suite(root)
    _names_all(pairs)
    found = dict(pairs)
    assert found["parwork_version"]
    run = "test_it.py::test_equal on processes:fork-2"
    assert (found[f"parwork_verdict {run}"], found[f"parwork_cases {run}"]) == ("EQUAL", "3")
    assert float(found[f"parwork_parallel_seconds {run}"]) > 0
    assert found[f"parwork_workers {run}"] == "2"
    lost = "test_it.py::test_lost on processes:fork-2"
    assert f"parwork_speedup {lost}" not in found


def test_the_legacy_family_has_properties_at_each_case_and_those_of_runs(scratch: Scratch) -> None:
    _run(scratch, "-o", "junit_family=legacy")
    cases = of_cases(junit(scratch))
    assert cases["test_equal[0]"] == [("parwork_verdict", "EQUAL")]
    assert cases["test_different[1]"] == [("parwork_verdict", "DIFFERENT")]
    assert cases["test_lost[0]"] == [("parwork_verdict", "LOST")]
    assert cases["test_other"] == cases["test_calls"] == []
    names = [name for name, _ in of_suite(junit(scratch))]
    assert "parwork_verdict test_it.py::test_equal on processes:fork-2" in names
    assert not any(name.endswith("test_equal[0]") for name in names)


def test_processes_of_xdist_and_reruns_give_each_property_once(scratch: Scratch) -> None:
    pytest.importorskip("xdist")
    pytest.importorskip("pytest_rerunfailures")
    _run(scratch, "-p", "xdist", "-n2", "-p", "rerunfailures", "--reruns=1")
    root = junit(scratch)
    validate(root)
    assert not any(of_cases(root).values())
    _names_all(of_suite(root))


@pytest.mark.parametrize("family", ["xunit2", "xunit1"])
def test_the_cause_of_a_difference_is_a_property(scratch: Scratch, family: str) -> None:
    scratch.cases(
        """
        import random

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n): return random.random()
        """
    )
    options = ("--parwork-diagnose=on", "-o", f"junit_family={family}")
    session = scratch.run_apart("--junitxml=junit.xml", *options, report=True)
    # GLOBAL_RNG, unless the machine is too busy for the experiments.
    (known,) = session.run("test_it.py::test_it")["causes"]
    root = junit(scratch)
    suite, cases = dict(of_suite(root)), of_cases(root)
    cause = suite["parwork_cause test_it.py::test_it on processes:fork-2"]
    assert cause.startswith(known["name"])
    if family == "xunit2":
        validate(root)
        assert {name.removeprefix("parwork_cause ") for name in suite} >= {*known["cases"]}
    else:
        assert dict(cases["test_it[0]"])["parwork_cause"] == cause


def test_properties_of_a_session_that_was_interrupted_are_valid(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n): return n

        def test_stop(): raise KeyboardInterrupt
        """
    )
    scratch.run_apart("--junitxml=junit.xml")
    root = junit(scratch)
    for suite in root.iter("testsuite"):
        unfinished = [row for row in suite.iter("testcase") if "name" not in row.attrib]
        assert len(unfinished) == 1, "pytest writes the test that was interrupted without its name"
        suite.remove(unfinished[0])
    validate(root)
    pairs = dict(of_suite(root))
    assert pairs["parwork_verdict test_it.py::test_it[2]"] == "EQUAL"


def test_other_properties_of_a_case_stay(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.filterwarnings("ignore")
        def test_it(record_property, parwork):
            record_property("own", 1)
            parwork.map(abs, [-1], backend="threads")

        @pytest.fixture(autouse=True)
        def note(request):
            request.node.user_properties.append(("more", 2))

        @pytest.mark.parwork(backend="processes:fork")
        @pytest.mark.parametrize("n", range(2))
        def test_case(n): return n
        """
    )
    scratch.run_apart("--junitxml=junit.xml", "-W", "ignore")
    cases = of_cases(junit(scratch))
    assert cases["test_it"] == [("more", "2"), ("own", "1")]
    assert cases["test_case[1]"] == [("more", "2")]
