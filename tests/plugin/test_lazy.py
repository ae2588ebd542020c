"""Lazy parameters, which a plugin makes while a case is set up, are made where the case runs."""

from __future__ import annotations

import importlib.util

import pytest

from .scratch import Scratch

CASES = """
    from pytest_lazy_fixtures import lf, lfc

    class Thing:
        def __init__(self, name):
            self.name = name

    @pytest.fixture
    def small(tmp_path):
        (tmp_path / "small").write_text("1")
        yield [1]
        note("torn")

    @pytest.fixture
    def large(small):
        return small * 3

    @pytest.fixture(scope="module")
    def wide():
        note("wide")
        return Thing("wide")

    @pytest.fixture(scope="session")
    def other(wide_name="other"):
        return Thing("other")

    @pytest.fixture(params=["p", "q"])
    def varied(request):
        return request.param

    @pytest.fixture(scope="module", params=["x", "y"])
    def widely(request):
        return Thing(request.param)

    @pytest.fixture(params=[lf("small"), [lf("large"), 0]])
    def indirect(request):
        return request.param

    def add(a, b):
        return a + b

    def name(value):
        if isinstance(value, (list, tuple, set)):
            return sorted(map(str, map(name, value)))
        if isinstance(value, dict):
            return {name(key): name(part) for key, part in value.items()}
        return value.name if isinstance(value, Thing) else value

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize(
        "value",
        [
            lf("small"), lf("large"), lf("wide"), lf("other.name"), lf("varied"), lf("widely.name"),
            [lf("small"), 5], (lf("wide"), lf("large")), {"a": lf("other")}, 7,
            lfc(add, lf("small"), lf("large")), {"b": [{"c": lf("small")}]},
        ],
    )
    def test_value(value):
        assert "lf(" not in repr(value) and type(value).__module__ != "pytest_lazy_fixtures"
        assert value not in (None, "small")
        return name(value)

    @pytest.mark.parwork(workers=2)
    def test_indirect(indirect):
        return indirect

    class TestClass:
        @pytest.fixture
        def own(self):
            return type(self).__name__

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("value, again", [(lf("own"), lf("own")), (1, lf("small"))])
        def test_own(self, value, again):
            return value, again

    @pytest.fixture
    def failing():
        raise ValueError("no")

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("value", [1, lf("failing")])
    def test_failing(value):
        return value
"""


@pytest.mark.parametrize(
    "backend", ["threads", "joblib", "processes:fork", "isolated:fork", "serial"]
)
def test_lazy_fixtures_are_those_of_the_serial_run(scratch: Scratch, backend: str) -> None:
    pytest.importorskip("pytest_lazy_fixtures")
    scratch.cases(CASES)
    options = ["-p", "pytest_lazy_fixtures.plugin", f"--parwork-backend={backend}"]
    ran = scratch.run_apart(*options, report=True)
    # One in each run cannot be set up, alike.
    assert ran.counts == {"passed": 19, "errors": 1}, ran.text
    verdicts = [case["verdict"] for run in ran.report["runs"] for case in run["cases"]]
    assert verdicts == ["EQUAL"] * 20
    assert scratch.notes().count("wide here") == 1


def test_a_lazy_parameter_that_workers_cannot_make_is_an_error_that_names_it(
    scratch: Scratch,
) -> None:
    pytest.importorskip("pytest_lazy_fixtures")
    scratch.cases(
        """
        from pytest_lazy_fixtures import lf

        @pytest.fixture
        async def later():
            return 1

        @pytest.fixture
        def nested(capteesys):
            return 1

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("value", [1, [lf("nested")]])
        def test_it(value):
            return value
        """
    )
    ran = scratch.run("-p", "pytest_lazy_fixtures.plugin", "--parwork-backend=processes:fork")
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "the parameter 'value' asks for the fixture 'nested': " in ran.text
    assert "'capteesys'" in ran.text


@pytest.mark.skipif(
    importlib.util.find_spec("pytest_cases") is None, reason="pytest-cases needs pytest 8"
)
@pytest.mark.parametrize("backend", ["threads", "joblib", "processes:fork", "isolated:fork"])
def test_lazy_values_of_pytest_cases_are_made_once_for_each_case(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        """
        from pytest_cases import lazy_value, parametrize

        def one():
            note("one")
            return [1]

        def two():
            note("two")
            return 2, "b"

        @pytest.mark.parwork(backend=["BACKEND", "threads"], workers=2)
        @parametrize("value", [lazy_value(one), 3])
        def test_one(value):
            assert value in ([1], 3)
            return value

        @pytest.mark.parwork(workers=2)
        @parametrize("a, b", [lazy_value(two), (4, "d")])
        def test_two(a, b):
            return a, b
        """.replace("BACKEND", backend if backend != "threads" else "serial")
    )
    ran = scratch.run_apart(
        "-p", "pytest_cases.plugin", "-W", "default", f"--parwork-backend={backend}", report=True
    )
    assert ran.counts == {"passed": 6}, ran.text
    verdicts = [case["verdict"] for run in ran.report["runs"] for case in run["cases"]]
    assert verdicts == ["EQUAL"] * 6
    assert sum(line.startswith("two") for line in scratch.notes()) == 2


#: pytest's own fixtures, named by parameters.
NAMED = """
    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize(
        "name", ["tmp_path", "tmpdir", "capsys", "capfd", "caplog", "plain", "patched"]
    )
    def test_named(request, name):
        value = request.getfixturevalue(name)
        if name in ("tmp_path", "tmpdir"):
            assert os.listdir(value) == []
            with open(os.path.join(value, "written"), "w") as file:
                file.write("1")
            return os.listdir(value)
        if name in ("capsys", "capfd"):
            print("printed")
            os.write(1, b"written\\n")
            out = value.readouterr().out
            assert ("written" in out) == (name == "capfd")
            return out
        if name == "caplog":
            import logging
            logging.getLogger("of.test").warning("logged")
            return value.messages
        return value

    @pytest.fixture
    def plain():
        return "plain"

    @pytest.fixture
    def patched(monkeypatch):
        return "patched"

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("name", ["monkeypatch", "plain"])
    def test_patched(request, name):
        value = request.getfixturevalue(name)
        if name == "monkeypatch":
            value.setenv("OF_TEST", "1")
            return os.environ["OF_TEST"]
        assert "OF_TEST" not in os.environ

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_named_in_the_code(request, n):
        return request.getfixturevalue("capsys").readouterr().out
"""


@pytest.mark.parametrize("backend", ["processes:fork", "joblib", "isolated:fork", "serial"])
def test_fixtures_of_pytest_can_be_named_by_parameters(scratch: Scratch, backend: str) -> None:
    scratch.cases(NAMED)
    ran = scratch.run_apart(f"--parwork-backend={backend}", report=True)
    assert ran.counts == {"passed": 11}, ran.text
    verdicts = [case["verdict"] for run in ran.report["runs"] for case in run["cases"]]
    assert verdicts == ["EQUAL"] * 11


def test_on_threads_only_those_that_change_the_process_are_refused_when_requested(
    scratch: Scratch,
) -> None:
    scratch.cases(NAMED)
    ran = scratch.run("--parwork-backend=threads", report=True)
    assert ran.verdicts("test_it.py::test_named") == {
        "tmp_path": "EQUAL",
        "tmpdir": "EQUAL",
        "capsys": "NOT_SENT",
        "capfd": "NOT_SENT",
        "caplog": "EQUAL",
        "plain": "EQUAL",
        "patched": "NOT_SENT",
    }
    assert "the fixture 'capsys' changes the whole process" in ran.text
