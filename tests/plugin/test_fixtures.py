"""Function-scoped fixtures: set up, used and torn down in the worker."""

from __future__ import annotations

import pytest

from .scratch import Scratch, slow

BACKENDS = [
    "processes:fork",
    slow("processes:spawn"),
    "joblib",
    slow("isolated:fork"),
    "threads",
    "dask",
    slow("multiprocessing:spawn"),
    slow("joblib:threading"),
    slow("joblib:multiprocessing"),
    slow("serial"),
]
FORKED = "@pytest.mark.parwork(backend='processes:fork', workers=2)\n"


@pytest.fixture(autouse=True)
def _keeps(keeps_helpers: None) -> None:
    pass


def mark(backend: str) -> str:
    return f"@pytest.mark.parwork(backend='{backend}', workers=2)"


@pytest.mark.parametrize("backend", BACKENDS)
class TestOnEveryBackend:
    def test_a_case_is_set_up_and_torn_down_around_its_body_in_pytests_order(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(
            f"""
            @pytest.fixture(scope="module")
            def wide():
                note("wide")
                return 10

            @pytest.fixture(autouse=True)
            def always():
                note("always up")
                yield
                note("always down")

            @pytest.fixture
            def inner(wide):
                note("inner up")
                yield wide + 1
                note("inner down")

            @pytest.fixture
            def outer(inner, request):
                note("outer up")
                request.addfinalizer(lambda: note("outer down"))
                return inner + 1

            {mark(backend)}
            def test_it(outer, inner):
                note("body")
                return outer, inner
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 1}
        assert session.verdicts("test_it.py::test_it") == {"": "EQUAL"}
        there = "here" if backend == "serial" else "there"
        order = ["always up", "inner up", "outer up", "body"]
        order += ["outer down", "inner down", "always down"]
        assert scratch.notes() == [
            "wide here",
            *(f"{note} {there}" for note in order),
            *(f"{note} here" for note in order),
        ]

    def test_it_is_so_for_every_case(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def pair(request):
                note(f"up {{request.node.name}}")
                yield [request.node.name]
                note(f"down {{request.node.name}}")

            {mark(backend)}
            @pytest.mark.parametrize("n", range(4))
            def test_it(n, pair):
                pair.append(n)
                return pair
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 4}
        assert set(session.verdicts("test_it.py::test_it").values()) == {"EQUAL"}
        notes = scratch.notes()
        for where in {"here"} if backend == "serial" else {"here", "there"}:
            expected = [f"{to} test_it[{n}] {where}" for n in range(4) for to in ("up", "down")]
            times = 2 if backend == "serial" else 1
            assert sorted(note for note in notes if note.endswith(f" {where}")) == sorted(
                expected * times
            )

    def test_a_generator_that_an_autouse_fixture_seeds_gives_the_same_in_both_runs(
        self, scratch: Scratch, backend: str
    ) -> None:
        if backend in ("threads", "joblib:threading"):
            pytest.skip("threads share the generator, and are found out")
        scratch.cases(
            f"""
            import numpy

            @pytest.fixture(autouse=True)
            def seeded(parwork_seed):
                numpy.random.seed(parwork_seed)

            {mark(backend)}
            @pytest.mark.parametrize("n", range(6))
            def test_it(n):
                return numpy.random.random(3)
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 6}
        assert set(session.verdicts("test_it.py::test_it").values()) == {"EQUAL"}

    def test_each_value_of_a_wider_fixture_is_made_once_and_sent(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(
            f"""
            @pytest.fixture(scope="session")
            def table():
                note("made")
                return {{"a": 1}}

            @pytest.fixture
            def row(table):
                return table["a"]

            {mark(backend)}
            @pytest.mark.parametrize("n", range(3))
            def test_it(n, row):
                return n, row
            """
        )
        assert scratch.run().counts == {"passed": 3}
        assert scratch.notes() == ["made here"]


class TestParameters:
    def test_of_the_fixture(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture(params=[1, "two", [3]], ids=str)
            def value(request):
                return request.param, getattr(request, "param", None), hasattr(request, "param")

            @pytest.fixture
            def plain(request):
                return hasattr(request, "param"), getattr(request, "param", "none")

            {FORKED}
            def test_it(value, plain):
                assert plain == (False, "none")
                return value
            """
        )
        session = scratch.run()
        assert session.counts == {"passed": 3}

    def test_indirect_ones(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def value(request):
                return [request.param]

            {FORKED}
            @pytest.mark.parametrize("value, n", [(1, 2), (3, 4)], indirect=["value"])
            def test_it(value, n):
                assert value in ([1], [3])
                return value, n
            """
        )
        assert scratch.run().counts == {"passed": 2}

    def test_a_parameter_overrides_a_fixture_for_others(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def size():
                note("made")

            @pytest.fixture
            def data(size):
                return [0] * size

            {FORKED}
            @pytest.mark.parametrize("size", [1, 2])
            def test_it(data):
                assert data
                return data
            """
        )
        assert scratch.run().counts == {"passed": 2}
        assert scratch.notes() == []

    def test_one_that_many_cases_share_is_sent_once(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            pickled = []

            class Table:
                def __init__(self, data=b""):
                    pass

                def __reduce__(self):
                    note("pickled")
                    return Table, (bytes(100_000),)  # parts of small ones are looked at again

                def __eq__(self, other):
                    return True

            shared = Table()

            @pytest.fixture
            def table(request):
                return request.param

            {FORKED}
            @pytest.mark.parametrize("table", [shared], indirect=True)
            @pytest.mark.parametrize("n", range(3))
            def test_it(n, table):
                return n
            """
        )
        assert scratch.run().counts == {"passed": 3}
        assert scratch.notes() == ["pickled here"]


class TestOverriding:
    @pytest.mark.parametrize("mode", ["prepend", "importlib"])
    @pytest.mark.parametrize("backend", ["processes:fork", "processes:spawn", "dask"])
    def test_a_fixture_over_three_levels(self, scratch: Scratch, backend: str, mode: str) -> None:
        fixture = "import pytest\n@pytest.fixture\ndef place({0}):\n    return {1}\n"
        scratch.write("conftest.py", fixture.format("", '["root"]'))
        scratch.write("sub/conftest.py", fixture.format("place", 'place + ["sub"]'))
        scratch.write("other/conftest.py", fixture.format("place", 'place + ["other"]'))
        for folder in ("sub", "other"):
            scratch.write(
                f"{folder}/test_{folder}.py",
                f"""
                import pytest

                @pytest.fixture
                def place(place):
                    return place + ["module"]

                {mark(backend)}
                class TestPlace:
                    @pytest.fixture
                    def place(self, place):
                        return place + ["class"]

                    def test_it(self, place):
                        assert place == ["root", "{folder}", "module", "class"]
                        return place

                    @pytest.mark.parametrize("place", ["given"])
                    def test_given(self, place):
                        return place
                """,
            )
        session = scratch.run_apart(f"--import-mode={mode}", report=True)
        assert session.counts == {"passed": 4}
        assert {run["verdict"] for run in session.report["runs"]} == {"NOT_EXERCISED"}

    def test_a_wide_fixture_requested_only_by_the_overridden_one_is_made_here_and_sent(
        self, scratch: Scratch
    ) -> None:
        scratch.write(
            "conftest.py",
            """
            import pytest
            from noting import note

            @pytest.fixture(scope="module")
            def table():
                note("made")
                return [1]

            @pytest.fixture
            def narrow():
                return [2]

            @pytest.fixture
            def row(table, narrow):
                return table + narrow
            """,
        )
        scratch.cases(
            f"""
            @pytest.fixture
            def row(row):
                return row + [3]

            {FORKED}
            @pytest.mark.parametrize("n", range(3))
            def test_it(n, row):
                note("case")
                assert row == [1, 2, 3]
                return n, row
            """
        )
        assert scratch.run().counts == {"passed": 3}
        assert sorted(scratch.notes()) == [*["case here"] * 3, *["case there"] * 3, "made here"]

    def test_what_a_shadowed_conftest_gives_back_is_of_the_same_class(
        self, scratch: Scratch
    ) -> None:
        for folder in ("a", "b"):
            scratch.write(
                f"{folder}/conftest.py",
                """
                import pytest

                class Box:
                    made = 0
                    def __init__(self):
                        type(self).made += 1

                @pytest.fixture
                def box():
                    return Box()
                """,
            )
            scratch.write(
                f"{folder}/test_{folder}.py",
                f"""
                import pytest

                {mark("processes:spawn")}
                def test_it(box):
                    assert type(box).made == 1
                    return box
                """,
            )
        session = scratch.run_apart()
        assert session.counts == {"passed": 2}


class TestFactories:
    def test_a_fixture_that_gives_a_function(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def make():
                made = []
                def make_one(n):
                    made.append(n)
                    return list(made)
                yield make_one
                note(f"unmade {{made}}")

            {FORKED}
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, make):
                return make(n), make(n + 1)
            """
        )
        assert scratch.run().counts == {"passed": 2}
        notes = scratch.notes()
        assert sorted(notes) == [
            f"unmade [{n}, {n + 1}] {where}" for n in range(2) for where in ("here", "there")
        ]

    def test_a_fixture_that_a_function_makes(self, scratch: Scratch) -> None:
        scratch.write(
            "making.py",
            """
            import pytest

            def fixture_of(value):
                @pytest.fixture
                def made():
                    return value
                return made
            """,
        )
        scratch.cases(
            """
            from making import fixture_of

            one = fixture_of(1)
            two = fixture_of(2)
            named = pytest.fixture(lambda: 3, name="three")

            @pytest.mark.parwork(backend="processes:spawn", workers=1)
            def test_it(one, two, three):
                assert (one, two, three) == (1, 2, 3)
                return one, two, three
            """
        )
        assert scratch.run().counts == {"passed": 1}

    @pytest.mark.parametrize("backend", ["processes:spawn", "dask"])
    def test_one_that_cannot_be_imported_is_sent_by_value(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(
            f"""
            def pytest_generate_tests(metafunc):
                factor = 7

                class Local:
                    @pytest.fixture
                    @staticmethod
                    def hidden(): return factor

                manager = metafunc.config.pluginmanager
                if metafunc.function.__name__ == "test_first":
                    manager.register(Local())

            def test_first(): pass

            {mark(backend)}
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, hidden):
                return n, hidden
            """
        )
        assert scratch.run().counts == {"passed": 3}


class TestRequest:
    def test_its_supported_attributes(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def told(request):
                return {{
                    "fixture": request.fixturename,
                    "scope": request.scope,
                    "name": request.node.name,
                    "original": request.node.originalname,
                    "id": request.node.nodeid,
                    "function": request.function.__name__,
                    "cls": request.cls.__name__,
                    "instance": request.instance.mark,
                    "module": request.module.__name__,
                }}

            {FORKED}
            class TestIt:
                mark = "own"

                @pytest.mark.parametrize("n", range(2))
                def test_it(self, n, told, request):
                    assert request.instance is self
                    assert request.fixturename is None
                    request.addfinalizer(lambda: note(f"end {{n}}"))
                    assert request.getfixturevalue("told") is told
                    assert request.getfixturevalue("n") == n
                    return told
            """
        )
        assert scratch.run().counts == {"passed": 2}
        assert sorted(scratch.notes()) == ["end 0 here", "end 0 there", "end 1 here", "end 1 there"]

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_it_knows_the_marks_of_the_case(self, scratch: Scratch, backend: str) -> None:
        scratch.write(
            "pytest.ini",
            """
            [pytest]
            markers =
                size(value, *, unit): how big
                slow: takes long
                plain: no more than a name
            """,
        )
        scratch.cases(
            f"""
            pytestmark = pytest.mark.size(1, unit="m")

            @pytest.fixture
            def told(request):
                node = request.node
                size = node.get_closest_marker("size")
                return {{
                    "size": (size.name, size.args, size.kwargs),
                    "sizes": [mark.args for mark in node.iter_markers("size")],
                    "slow": "slow" in request.keywords,
                    "keyword": request.keywords["size"].args,
                    "name": request.keywords.get(node.name),
                    "names": sorted({{mark.name for mark in node.iter_markers()}}),
                    "same": "plain" in node.keywords and "never" not in node.keywords,
                    "none": node.get_closest_marker("never"),
                    "other": node.get_closest_marker("never", default=size).args,
                    "module": request.path.name + node.path.name,
                }}

            {mark(backend)}
            @pytest.mark.plain
            @pytest.mark.parametrize(
                "n", [1, pytest.param(2, marks=[pytest.mark.size(2), pytest.mark.slow])]
            )
            def test_it(n, told):
                assert told["slow"] == (n == 2)
                assert told["size"] == ("size", (n,), {{"unit": "m"}} if n == 1 else {{}})
                assert told["sizes"] == [(2,), (1,)][-n:]
                assert told["name"] is True
                return told
            """
        )
        assert scratch.run().counts == {"passed": 2}

    def test_a_mark_that_cannot_be_sent_fails_only_a_case_that_reads_its_arguments(
        self, scratch: Scratch
    ) -> None:
        scratch.write("pytest.ini", "[pytest]\nmarkers = held: by a lock\n")
        scratch.cases(
            f"""
            import threading

            @pytest.fixture
            def told(request):
                return "held" in request.keywords

            @pytest.fixture
            def asked(request):
                return request.node.get_closest_marker("held").args

            {FORKED}
            @pytest.mark.held(threading.Lock())
            def test_told(told):
                return told

            {FORKED}
            @pytest.mark.held(threading.Lock())
            def test_asked(asked):
                return asked
            """
        )
        session = scratch.run()
        assert session.cases == {
            "test_it.py::test_told": "passed",
            "test_it.py::test_asked": "failed",
        }
        assert "the arguments of pytest.mark.held are not available in a worker" in " ".join(
            session.text.split()
        )
        assert "isolated:fork" in session.text

    def test_getfixturevalue_makes_a_fixture_before_its_turn(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def first(request):
                note("first begins")
                request.getfixturevalue("second")
                note("first")
                yield
                note("first down")

            @pytest.fixture
            def second():
                note("second")
                yield
                note("second down")

            {FORKED}
            def test_it(first, second): pass
            """
        )
        assert scratch.run().counts == {"passed": 1}
        order = ["first begins", "second", "first", "first down", "second down"]
        notes = scratch.notes()
        assert notes == [f"{n} there" for n in order] + [f"{n} here" for n in order]

    @pytest.mark.parametrize(
        ("use", "told"),
        [
            ("request.session.items", "request.session.items is not available in a worker"),
            (
                "request.node.add_marker('usefixtures')",  # an unknown name is a warning
                "request.node.add_marker('usefixtures') has no effect in a worker",
            ),
            (
                "request.applymarker(pytest.mark.skip)",
                "request.node.add_marker('skip') has no effect in a worker",
            ),
            (
                "request.node.get_closest_marker('parametrize').args",
                "the arguments of pytest.mark.parametrize are not available in a worker",
            ),
            ("request.getfixturevalue(str.lower('LATE'))", "add usefixtures('late')"),
        ],
    )
    @pytest.mark.parametrize("place", ["fixture", "body"])
    def test_an_unsupported_use_fails_the_case_and_is_named(
        self, scratch: Scratch, use: str, told: str, place: str
    ) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def late(): pass

            @pytest.fixture
            def asks(request):
                if {place == "fixture"}: {use}

            {FORKED}
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, asks, request):
                note("body")
                if {place == "body"}: {use}
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"failed": 2}
        assert told in " ".join(session.text.split())
        said = session.summary[0].partition(" - NOT_SENT: ")[2]
        assert said.startswith(("request.", "the arguments"))
        assert "DIFFERENT" not in session.text
        assert set(session.verdicts("test_it.py::test_it").values()) == {"NOT_SENT"}
        assert "body here" not in scratch.notes()

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_a_parameter_may_name_the_fixture_to_get(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(
            f"""
            @pytest.fixture(scope="module")
            def base():
                return 10

            @pytest.fixture
            def inner(base):
                return base + 1

            @pytest.fixture
            def small(inner):
                note("small up")
                yield inner
                note("small down")

            @pytest.fixture
            def large(base):
                return base * 100

            @pytest.fixture
            def chosen(request):
                return request.getfixturevalue(request.param)

            {mark(backend)}
            @pytest.mark.parametrize("name", ["small", "large", "other", "cache", "monkeypatch"])
            def test_body(request, name, base):
                note("body")
                if name in ("small", "large"):
                    value = request.getfixturevalue(name)
                    assert request.getfixturevalue(name) is value
                    return value
                return name

            {mark(backend)}
            @pytest.mark.parametrize("chosen", ["small", "large"], indirect=True)
            def test_fixture(chosen, base):
                return chosen
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 7}
        for test in ("test_body", "test_fixture"):
            assert set(session.verdicts(f"test_it.py::{test}").values()) == {"EQUAL"}
        told = [note.partition(" ")[0] for note in scratch.notes()]
        assert told.count("small") == 8  # up and down, of two tests, in both runs
        assert told.count("body") == 10

    @pytest.mark.parametrize("name", ["wide", "parametrized"])
    def test_a_fixture_that_it_cannot_get_there_is_named(self, scratch: Scratch, name: str) -> None:
        scratch.cases(
            f"""
            @pytest.fixture(scope="module")
            def wide(): return 1

            @pytest.fixture(params=[1, 2])
            def parametrized(request): return request.param

            {FORKED}
            @pytest.mark.parametrize("name", ["{name}", "no fixture"])
            def test_it(request, name):
                return name if " " in name else request.getfixturevalue(name)
            """
        )
        session = scratch.run()
        assert session.counts == {"passed": 1, "failed": 1}
        assert f"add usefixtures({name!r})" in " ".join(session.text.split())

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_a_case_may_expect_its_own_failure(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def picky(request):
                if request.getfixturevalue("n") == 1:
                    request.node.add_marker(pytest.mark.xfail(reason="not one", strict=True))

            {mark(backend)}
            @pytest.mark.parametrize("n", range(5))
            def test_it(n, picky, request):
                if n == 2:
                    request.applymarker(pytest.mark.xfail(raises=ZeroDivisionError, strict=True))
                if n == 4:
                    request.applymarker(pytest.mark.xfail(strict=True))
                return 1 / (n - 1) / (n - 2)
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 2, "xfailed": 2, "failed": 1}
        assert "XPASS(strict)" in session.text
        assert set(session.verdicts("test_it.py::test_it").values()) == {"EQUAL"}

    def test_an_unsupported_use_after_the_yield_is_named_too(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def asks(request):
                yield
                request.session.items

            {FORKED}
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, asks):
                return n
            """
        )
        session = scratch.run(report=True)
        told = "request.session.items is not available in a worker"
        assert told in " ".join(session.text.split())
        assert session.counts == {"passed": 2, "errors": 2}
        assert session.text.count("isolated:fork") >= 1
        assert "DIFFERENT" not in session.text
        assert set(session.verdicts("test_it.py::test_it").values()) == {"NOT_SENT"}

    def test_xfail_does_not_hide_that(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            {FORKED}
            @pytest.mark.xfail
            def test_it(request):
                request.session.items
            """
        )
        assert scratch.run().counts == {"failed": 1}


class TestSeeds:
    TEXT = """
        import hashlib

        @pytest.mark.parwork(backend={backend}, workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n, parwork_seed):
            print(f"seed {{n}} {{parwork_seed}}")
            assert 0 <= parwork_seed < 2**32
            return parwork_seed
        """

    def seeds(self, scratch: Scratch, *options: str, backend: str = "'threads'") -> set[str]:
        scratch.cases(self.TEXT.format(backend=backend))
        session = scratch.run("-rP", *options)
        assert set(session.counts) == {"passed"}
        return {line for line in session.lines if line.startswith("seed ")}

    def test_every_case_has_its_own_the_same_in_every_session(self, scratch: Scratch) -> None:
        seeds = self.seeds(scratch)
        assert len({seed.split()[2] for seed in seeds}) == 3
        assert seeds == self.seeds(scratch, "-k", "test_it")

    def test_the_configuration_does_not_count(self, scratch: Scratch) -> None:
        seeds = self.seeds(scratch)
        assert seeds == self.seeds(scratch, backend="['processes:fork', 'threads']")
        assert seeds == self.seeds(scratch, "--parwork-workers=2,3")

    def test_the_option_gives_others(self, scratch: Scratch) -> None:
        seeds = self.seeds(scratch)
        other = self.seeds(scratch, "--parwork-seed=1")
        assert not seeds & other
        scratch.write("pytest.ini", "[pytest]\nparwork_seed = 1\n")
        assert other == self.seeds(scratch)

    @pytest.mark.parametrize("text", ["-1", "1.5", "one", "²"])
    def test_a_wrong_one_is_a_usage_error(self, scratch: Scratch, text: str) -> None:
        session = scratch.run(f"--parwork-seed={text}")
        assert session.code == pytest.ExitCode.USAGE_ERROR
        assert f"--parwork-seed={text}: give a whole number, 0 or greater" in session.text

    def test_any_other_test_may_have_one(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            def test_it(parwork_seed):
                assert isinstance(parwork_seed, int)
            """
        )
        assert scratch.run().counts == {"passed": 1}


class TestTheWayThroughASession:
    def test_a_matrix_makes_them_in_each_configuration(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture
            def log():
                log = []
                yield log
                assert log == ["body"]

            @pytest.mark.parwork(backend=["processes:fork", "threads"], workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, log):
                log.append("body")
                return n
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 4}
        for run in session.report["runs"]:
            assert {case["verdict"] for case in run["cases"]} == {"EQUAL"}

    @pytest.mark.sweep  # test_xdist.py asks daily
    def test_under_xdist(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def file(tmp_path):
                file = tmp_path / "data.txt"
                assert not file.exists()
                file.write_text("data")
                return file

            {FORKED}
            @pytest.mark.parametrize("n", range(8))
            def test_it(n, file):
                return file.read_text()
            """
        )
        session = scratch.run_apart("-p", "xdist", "-n2", report=True)
        assert session.counts == {"passed": 8}
        assert set(session.verdicts("test_it.py::test_it").values()) == {"EQUAL"}

    def test_when_run_again(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            tries = []

            @pytest.fixture
            def folder(tmp_path):
                (tmp_path / "new").mkdir()
                return "new"

            {FORKED}
            def test_it(folder):
                tries.append(folder)
                assert len(tries) > 1
            """
        )
        session = scratch.run_apart("-p", "rerunfailures", "--reruns=2")
        assert session.counts == {"passed": 1, "rerun": 1}

    @pytest.mark.parametrize("option", ["--parwork-serial", "--setup-show"])
    def test_with_options_that_change_it(self, scratch: Scratch, option: str) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def value():
                note("made")
                return 1

            {FORKED}
            def test_it(value): return value
            """
        )
        assert scratch.run(option).counts == {"passed": 1}
        is_serial = option == "--parwork-serial"
        assert scratch.notes() == (["made here"] if is_serial else ["made there", "made here"])

    def test_the_time_of_a_set_up_belongs_to_the_serial_seconds(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture
            def outer(request):
                time.sleep(0.05)
                request.getfixturevalue("inner")

            @pytest.fixture
            def inner():
                time.sleep(0.05)

            {FORKED}
            def test_it(outer, inner): pass
            """
        )
        (case,) = scratch.run(report=True).run("test_it.py::test_it")["cases"]
        assert case["seconds"]["serial"] >= 0.1
        assert case["seconds"]["parallel"] >= 0.1

    def test_with_verify_0_a_set_up_that_failed_there_fails_the_case(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(
            """
            @pytest.fixture
            def up():
                if not is_here(): raise OSError("not there")

            @pytest.fixture
            def down():
                yield
                if not is_here(): raise OSError("no longer there")

            @pytest.mark.parwork(backend="processes:fork", workers=2, verify=0)
            def test_up(up): note("body")

            @pytest.mark.parwork(backend="processes:fork", workers=2, verify=0)
            def test_down(down): return 1
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 1, "failed": 1, "errors": 1}
        assert session.cases == {
            "test_it.py::test_up": "failed",
            "test_it.py::test_down": "error",
        }
        assert "OSError: not there" in session.text
        assert "OSError: no longer there" in session.text
        assert scratch.notes() == []
        assert session.verdicts("test_it.py::test_down") == {"": "NOT_VERIFIED"}
