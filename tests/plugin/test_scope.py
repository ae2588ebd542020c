"""`scope=`: workloads of the cases of a class, a module or the session."""

from __future__ import annotations

import pytest

from .scratch import Scratch, Session

#: A module whose tests use no, one or another fixture wider than function scope.
MODULE = """
    @pytest.fixture(scope="module")
    def db():
        note("db set up")
        yield {"x": 1}
        note("db torn down")

    def test_one():
        note("one")
        return 1

    @pytest.mark.parametrize("n", range(3))
    def test_many(n):
        return n

    def test_db(db):
        return db

    class TestIt:
        def test_first(self, tmp_path):
            assert tmp_path.exists()

        def test_db_too(self, db):
            return db

    class TestSetUp:
        @classmethod
        def setup_class(cls):
            cls.value = 3

        def test_value(self):
            return self.value

        def test_same(self):
            return self.value
"""


WIDE = "scope='module'"


def marked(keywords: str) -> str:
    return f"pytestmark = pytest.mark.parwork(backend='threads', {keywords})\n"


def shape(session: Session) -> dict[str, tuple[str, int, bool | None]]:
    """Return scope, number of cases and whether it was exercised of each workload."""
    return {
        run["id"]: (run["scope"], len(run["cases"]), run["exercised"])
        for run in session.report["runs"]
    }


def test_a_module_is_one_workload_that_splits_into_runs_by_wide_fixtures(scratch: Scratch) -> None:
    scratch.cases(f"    {marked(WIDE)}{MODULE}")

    session = scratch.run("-v", report=True)

    assert session.counts == {"passed": 9}
    assert shape(session) == {"test_it.py": ("module", 9, True)}
    shown = [line.strip().partition(":")[0] for line in session.section]
    assert [line for line in shown if line.startswith("run of")] == [
        "run of 5 cases",
        "run of 2 cases with db",
        "run of 2 cases with setup_class",
    ]
    assert any(line.strip().startswith("slowest: ") for line in session.section)
    assert scratch.notes() == ["one there", "one here", "db set up here", "db torn down here"]
    assert session.title == "parwork: 9 cases fanned out in 3 runs, all equal to serial"


def test_each_scope_has_its_workloads_under_the_id_of_what_holds_them(scratch: Scratch) -> None:
    text = """
        pytestmark = pytest.mark.parwork(backend="threads")

        def test_outside():
            return 1

        class TestA:
            def test_first(self): return 1
            def test_second(self): return 2

        class TestB:
            def test_first(self): return 1
            def test_second(self): return 2
    """
    scratch.cases(text, "test_a.py")
    scratch.cases(text, "test_b.py")
    found = {}
    for scope in ("class", "module", "session"):
        scratch.write("pytest.ini", f"[pytest]\nparwork_scope = {scope}\n")
        found[scope] = shape(scratch.run(report=True))

    assert found["class"] == {
        f"test_{name}.py{rest}": (scope, number, number > 1)
        for name in "ab"
        for rest, scope, number in (
            ("::test_outside", "function", 1),
            ("::TestA", "class", 2),
            ("::TestB", "class", 2),
        )
    }
    assert found["module"] == {f"test_{name}.py": ("module", 5, True) for name in "ab"}
    assert found["session"] == {".": ("session", 10, True)}


def test_the_option_for_all_tests_has_module_scope_and_markers_say_else(scratch: Scratch) -> None:
    scratch.cases("""
        def test_one(): return 1
        def test_two(): return 2

        @pytest.mark.parwork(scope="function")
        @pytest.mark.parametrize("n", range(2))
        def test_own(n): return n

        @pytest.mark.parwork(min_speedup=0.000001)
        @pytest.mark.parametrize("n", range(2))
        def test_fast(n): return n
    """)

    session = scratch.run("--parwork-all", "--parwork-backend=threads", report=True)

    assert shape(session) == {
        "test_it.py": ("module", 2, True),
        "test_it.py::test_own": ("function", 2, True),
        "test_it.py::test_fast": ("function", 2, True),
    }
    assert session.cases["test_it.py::test_fast[min_speedup]"] == "passed"


@pytest.mark.usefixtures("keeps_helpers")  # the second look at what differs in threads
def test_policies_timeouts_and_shares_stay_those_of_each_case(scratch: Scratch) -> None:
    scratch.cases("""
        from pytest_parwork import close
        pytestmark = pytest.mark.parwork(backend="threads", scope="module")

        @pytest.mark.parwork(compare=close(rtol=1))
        def test_close():
            return 1.0 if is_here() else 1.5

        def test_exact():
            return 1.0 if is_here() else 1.5

        @pytest.mark.parwork(verify=0)
        def test_unverified():
            note("unverified")
            return 1

        @pytest.mark.parwork(timeout=0.2)
        def test_slow():
            time.sleep(0 if is_here() else 0.7)
    """)

    session = scratch.run(report=True)

    (run,) = session.report["runs"]
    assert {case["id"].rpartition("_")[2]: case["verdict"] for case in run["cases"]} == {
        "close": "EQUAL",
        "exact": "DIFFERENT",
        "unverified": "NOT_VERIFIED",
        "slow": "LOST",
    }
    assert scratch.notes() == ["unverified there"]
    assert 'pytest "test_it.py"' in session.out  # the whole workload, again


def test_class_scoped_fixtures_outside_of_a_class_are_those_of_each_case(scratch: Scratch) -> None:
    scratch.cases("""
        pytestmark = pytest.mark.parwork(backend="threads")

        @pytest.fixture(scope="class")
        def numbers():
            note("set up")
            return []

        @pytest.mark.parametrize("n", range(3))
        def test_it(numbers, n):
            numbers.append(n)
            return numbers
    """)

    session = scratch.run(report=True)

    assert shape(session) == {"test_it.py::test_it": ("function", 3, True)}
    assert sorted(scratch.notes()) == ["set up here"] * 3 + ["set up there"] * 3


def test_a_wide_workload_has_one_check_after_its_last_case(scratch: Scratch) -> None:
    scratch.cases(f"    {marked(WIDE)}{MODULE}")

    session = scratch.run("--parwork-strict", "-v", "-k", "not TestSetUp or exercised")

    assert list(session.cases)[-1] == "test_it.py::[exercised]"
    assert session.cases["test_it.py::[exercised]"] == "skipped"  # cases are missing

    whole = scratch.run("--parwork-strict", "-v")
    assert whole.counts == {"passed": 10}
    alone = scratch.run("--parwork-strict", "test_it.py::test_one", "test_it.py::[exercised]")
    assert alone.counts == {"passed": 1, "skipped": 1}


@pytest.mark.parametrize("keep", ["own", "all"])
def test_runs_of_single_cases_do_not_count_as_not_exercised_unless_all_are(
    scratch: Scratch, keep: str
) -> None:
    scratch.cases(f"""
        {marked(WIDE)}
        @pytest.fixture(scope="module", params=range(2))
        def db(request): return request.param

        def test_db(db): return db

        class TestMore:
            def test_one(self): return 1
            {"def test_two(self): return 2" if keep == "all" else ""}
    """)

    session = scratch.run(report=True)

    (run,) = session.report["runs"]
    assert run["exercised"] is (keep == "all")
    if keep == "all":
        text = " ".join(" ".join(session.section).split())
        assert "2 cases of 4 ran without others, because of fixtures wider" in text


@pytest.mark.usefixtures("keeps_helpers")
def test_cases_of_different_tests_find_the_state_that_they_share(scratch: Scratch) -> None:
    scratch.cases("""
        pytestmark = pytest.mark.parwork(backend="threads", scope="module")
        LEVEL = []

        def test_changes_the_level():
            LEVEL.append(1)
            time.sleep(0 if is_here() else 0.3)
            LEVEL.pop()

        def test_reads_the_level():
            time.sleep(0 if is_here() else 0.1)
            return len(LEVEL)
    """)

    session = scratch.run()

    assert session.counts == {"failed": 1, "passed": 1}
    assert "DIFFERENT: serial 0, threads-2 1" in session.out
    assert "test_changes_the_level" in session.out.partition("DIFFERENT: serial 0")[2]


@pytest.mark.parametrize(
    ("keywords", "problem"),
    [
        ("scope='modul'", "scope='modul' (did you mean 'module'?); give 'function', 'class', "),
        ("scope=None", "scope=None; give 'function', 'class', 'module' or 'session'"),
    ],
)
def test_bad_values_are_named_with_the_remedy(
    scratch: Scratch, keywords: str, problem: str
) -> None:
    scratch.cases(f"@pytest.mark.parwork({keywords})\ndef test_it(): pass")

    session = scratch.run("--parwork-all")

    assert problem in session.text
    assert session.code != 0


def test_modules_without_a_node_id_of_their_own_are_named_as_they_are_imported(
    scratch: Scratch, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pytest has it for files outside of its root that are asked for by `--pyargs`."""
    package = tmp_path_factory.mktemp("elsewhere") / "parwork_scope_package"
    package.mkdir()
    (package / "__init__.py").touch()
    names = [f"{package.name}.test_{letter}" for letter in "ab"]
    for name in names:
        (package / f"{name.rpartition('.')[2]}.py").write_text(
            "def test_it(): pass\ndef test_other(): pass\n"
        )
    monkeypatch.syspath_prepend(str(package.parent))
    session = scratch.run(
        "--parwork-all", "--parwork-backend=threads", "--pyargs", *names, report=True
    )
    assert session.counts == {"passed": 4}, session.text
    assert [(run["id"], len(run["cases"])) for run in session.report["runs"]] == [
        (name, 2) for name in names
    ]
