"""Arguments of cases: parameters, wide fixtures, and values that cannot be sent."""

from __future__ import annotations

import pytest

from .scratch import Scratch

FORKED = "@pytest.mark.parwork(backend='processes:fork', workers=2)\n"
BACKENDS = ["threads", "processes:fork", "multiprocessing:spawn"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_a_wide_fixture_is_made_here_once_and_sent(
    scratch: Scratch, keeps_helpers: None, scope: str, backend: str
) -> None:
    scratch.cases(
        f"""
        @pytest.fixture(scope="{scope}")
        def data():
            note("made")
            return {{"numbers": list(range(10))}}

        @pytest.mark.parwork(backend="{backend}", workers=2)
        @pytest.mark.parametrize("n", range(3))
        class TestData:
            def test_item(self, n, data):
                return data["numbers"][n]
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 3}
    assert scratch.notes() == ["made here"]


def test_fixtures_of_conftests_are_sent(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        import pytest

        class Table:
            def __init__(self, rows):
                self.rows = rows

        @pytest.fixture(scope="session")
        def table():
            return Table([1, 2, 3])

        @pytest.fixture(scope="module")
        def doubled(table):
            return [2 * row for row in table.rows]
        """,
    )
    scratch.cases(
        f"""
        {FORKED}
        @pytest.mark.parametrize("n", range(3))
        def test_row(n, table, doubled):
            return table.rows[n] + doubled[n]
        """
    )
    assert scratch.run().counts == {"passed": 3}


def test_parameters_of_all_decorators_and_defaults_are_given(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        {FORKED}
        @pytest.mark.parametrize("a", [1, 2])
        @pytest.mark.parametrize(("b", "c"), [(3, 4), (5, 6)], ids=["x", "y"])
        def test_sum(a, b, c, *, factor=7):
            note(f"{{a}}-{{b}}-{{c}}-{{factor}}")
            return factor * (100 * a + 10 * b + c)
        """
    )
    session = scratch.run(report=True)
    assert session.verdicts("test_it.py::test_sum") == dict.fromkeys(
        ["x-1", "x-2", "y-1", "y-2"], "EQUAL"
    )
    assert sorted(scratch.notes()) == sorted(
        f"{a}-{b}-7 {place}" for a in (1, 2) for b in ("3-4", "5-6") for place in ("here", "there")
    )


class TestSeveralValuesOfAWideFixture:
    TEXT = f"""
        @pytest.fixture(scope="module", params=[1, 10, 100])
        def scale(request):
            note(f"made-{{request.param}}")
            return request.param

        {FORKED}
        @pytest.mark.parametrize("n", range(2))
        def test_scaled(n, scale):
            note(f"ran-{{n}}-{{scale}}")
            return n * scale
        """

    def test_each_is_made_once_and_its_cases_are_sent_before_the_next_is_made(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(self.TEXT)
        session = scratch.run(report=True)
        assert session.counts == {"passed": 6}
        assert [run["id"] for run in session.report["runs"]] == ["test_it.py::test_scaled"]
        verdicts = session.verdicts("test_it.py::test_scaled")
        assert list(verdicts.values()) == ["EQUAL"] * 6
        notes = scratch.notes()
        assert [note for note in notes if note.startswith("made")] == [
            "made-1 here",
            "made-10 here",
            "made-100 here",
        ]
        assert sorted(note for note in notes if note.startswith("ran")) == sorted(
            f"ran-{n}-{scale} {place}"
            for n in range(2)
            for scale in (1, 10, 100)
            for place in ("here", "there")
        )
        before = notes[: notes.index("made-10 here")]
        assert not [note for note in before if note.endswith(("-10 there", "-100 there"))]

    def test_a_difference_in_any_of_them_is_found(self, scratch: Scratch) -> None:
        scratch.cases(self.TEXT.replace("return n * scale", "return is_here() or scale < 100"))
        session = scratch.run()
        assert sorted(id for id, outcome in session.cases.items() if outcome == "failed") == [
            "test_it.py::test_scaled[100-0]",
            "test_it.py::test_scaled[100-1]",
        ]

    def test_they_are_crossed_indirect_or_parameters_of_wide_scope(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture(scope="module", params=[1, 2])
            def a(request):
                return request.param

            @pytest.fixture(scope="session", params=[3, 4])
            def b(request):
                return request.param

            {FORKED}
            @pytest.mark.parametrize("n", range(2))
            def test_crossed(n, a, b):
                return n, a, b

            @pytest.fixture(scope="module")
            def size(request):
                return [request.param] * 2

            {FORKED}
            @pytest.mark.parametrize("size", [5, 6], indirect=True)
            @pytest.mark.parametrize("n", range(2))
            def test_sized(n, size):
                return n, size

            {FORKED}
            @pytest.mark.parametrize("n", range(3), scope="module")
            def test_wide(n):
                return n
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 8 + 4 + 3}
        for name, cases in (("crossed", 8), ("sized", 4), ("wide", 3)):
            verdicts = session.verdicts(f"test_it.py::test_{name}")
            assert list(verdicts.values()) == ["EQUAL"] * cases


class TestFixturesThatAreNotArguments:
    def test_autouse_wide_fixtures_are_set_up_before_the_workers_start(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(
            f"""
            SETTINGS = {{}}

            @pytest.fixture(scope="module", autouse=True)
            def settings():
                SETTINGS["factor"] = 3
                yield
                note("torn-down")

            {FORKED}
            @pytest.mark.parametrize("n", range(3))
            def test_factor(n):
                return n * SETTINGS["factor"]
            """
        )
        assert scratch.run().counts == {"passed": 3}
        assert scratch.notes() == ["torn-down here"]

    def test_usefixtures_with_a_wide_one_works(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            SETTINGS = {{}}

            @pytest.fixture(scope="module", params=[2, 3])
            def factor(request):
                SETTINGS["factor"] = request.param

            {FORKED}
            @pytest.mark.usefixtures("factor")
            @pytest.mark.parametrize("n", range(2))
            def test_factor(n):
                return n * SETTINGS["factor"]
            """
        )
        assert scratch.run().counts == {"passed": 4}

    def test_the_gate_does_not_tear_wide_fixtures_down(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            @pytest.fixture(scope="module")
            def resource():
                note("up")
                yield [1]
                note("down")

            def test_before(resource):
                note("before")

            {FORKED}
            @pytest.mark.parametrize("n", range(2))
            def test_uses(n, resource):
                return n, resource

            def test_after(resource):
                note("after")
            """
        )
        assert scratch.run().counts == {"passed": 4}
        assert scratch.notes() == ["up here", "before here", "after here", "down here"]


def test_a_value_that_is_made_again_between_cases_is_sent_again(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            items.sort(key=lambda item: item.name[-2:])  # tears `scale` down in between
        """,
    )
    scratch.cases(
        f"""
        made = []

        @pytest.fixture(scope="module", params=[1, 10])
        def scale(request):
            made.append(request.param)
            return [request.param, len(made)]

        {FORKED}
        @pytest.mark.parametrize("n", range(2))
        def test_scaled(scale, n):
            return scale, n

        def test_made():
            assert made == [1, 10, 1, 10]
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 5}
    assert set(session.verdicts("test_it.py::test_scaled").values()) == {"EQUAL"}


def test_what_a_thread_does_to_a_fixture_is_not_seen_here(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.fixture(scope="module")
        def shared():
            return [0]

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(1))
        def test_appends(n, shared):
            shared.append(n)
            return list(shared)

        def test_once(shared):
            assert shared == [0, 0]
        """
    )
    assert scratch.run().counts == {"passed": 2}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            """
            import unittest
            class TestIt(unittest.TestCase):
                def run(self, result=None): note("ran")
                @pytest.mark.parwork
                def test_it(self): note("ran")
            """,
            ["test_it.py::TestIt::test_it", "TestIt inherits a run()", "use a plain class"],
        ),
        (
            """
            @pytest.mark.parwork
            async def test_it(): note("ran")
            """,
            ["test_it.py::test_it", "async", "asyncio.run()"],
        ),
    ],
    ids=[
        "TestCase",
        "async",
    ],
)
def test_what_cannot_be_a_case_is_a_usage_error_with_its_remedy(
    scratch: Scratch, text: str, told: list[str]
) -> None:
    scratch.cases(text)
    scratch.cases("def test_other(): note('ran')\n", path="test_other.py")
    session = scratch.run()
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert scratch.notes() == []
    for part in told:
        assert part in session.text
    assert "Traceback" not in session.text


def test_only_marked_tests_are_rejected(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.fixture
        def narrow():
            return 1

        def test_unmarked(narrow, request, tmp_path): pass

        @pytest.mark.parwork
        def test_calls(parwork, narrow, request): pass
        """
    )
    assert scratch.run().counts == {"passed": 2}


def test_a_deselected_test_is_not_rejected(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork
        def test_refused(tmp_path): pass

        def test_other(): pass
        """
    )
    assert scratch.run("-k", "other").counts == {"passed": 1, "deselected": 1}


class TestValuesThatCannotBeSent:
    @pytest.mark.parametrize(
        ("value", "told"),
        [
            ("threading.Lock()", "argument 'n' cannot be sent to a worker: it is a _thread.lock"),
            ("{'a': [1, threading.Lock()]}", "['a'][1] is a _thread.lock"),
            ("Holder()", ".lock is a _thread.lock"),
        ],
    )
    def test_an_argument_fails_only_its_case_and_names_the_attribute(
        self, scratch: Scratch, value: str, told: str
    ) -> None:
        scratch.cases(
            f"""
            import threading

            class Holder:
                def __init__(self):
                    self.lock = threading.Lock()

            {FORKED}
            @pytest.mark.parametrize("n", [0, {value}, 2], ids=["a", "b", "c"])
            def test_takes(n):
                return 1
            """
        )
        session = scratch.run()
        assert session.counts == {"passed": 2, "failed": 1}
        assert session.cases["test_it.py::test_takes[b]"] == "failed"
        assert told in " ".join(session.text.split())

    def test_a_result_fails_only_its_case_and_names_the_attribute(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            import threading

            {FORKED}
            @pytest.mark.parametrize("n", range(3))
            def test_gives(n):
                return {{"lock": threading.Lock()}} if n == 1 else n
            """
        )
        session = scratch.run()
        assert session.counts == {"passed": 2, "failed": 1}
        assert session.cases["test_it.py::test_gives[1]"] == "failed"
        told = " ".join(session.text.split())
        assert "the result cannot be sent back from a worker: ['lock'] is a _thread.lock" in told

    def test_a_result_that_cannot_be_loaded_fails_only_its_case(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            class Odd:
                def __reduce__(self):
                    return int, ("no number",)

            {FORKED}
            @pytest.mark.parametrize("n", range(3))
            def test_gives(n):
                return Odd() if n == 1 else n
            """
        )
        session = scratch.run()
        assert session.counts == {"passed": 2, "failed": 1}
        assert "cannot be unpickled: ValueError" in " ".join(session.text.split())

    def test_a_fixture_fails_the_cases_that_take_it(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            import threading

            @pytest.fixture(scope="module")
            def lock():
                return threading.Lock()

            {FORKED}
            @pytest.mark.parametrize("n", range(2))
            def test_takes(n, lock):
                return n
            """
        )
        session = scratch.run()
        assert session.counts == {"failed": 2}
        told = " ".join(session.text.split())
        assert "the fixture 'lock' cannot be sent to a worker: it is a _thread.lock" in told
        assert "give it function scope, so that it is set up in the worker; or use " in told
        assert "DIFFERENT" not in told

    def test_a_value_that_does_not_load_there_is_reported_in_the_same_way(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(
            f"""
            class Expression:  # no __setstate__, so that pickle asks __getattr__ for one
                def __getattr__(self, name):
                    return getattr(self.inner, name)

            @pytest.fixture(scope="module")
            def expression():
                made = Expression()
                made.inner = 1
                return made

            {FORKED}
            @pytest.mark.parametrize("n", range(2))
            def test_takes(n, expression):
                return n
            """
        )
        session = scratch.run()
        assert session.counts == {"failed": 2}
        told = " ".join(session.text.split())
        assert "in __getattr__" not in told
        assert "the fixture 'expression' cannot be loaded in a worker: RecursionError" in told
        assert "give it function scope, so that it is set up in the worker; or use " in told
        assert "DIFFERENT" not in told

    def test_threads_share_values_without_pickling(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            import threading

            @pytest.mark.parwork(backend="threads", workers=2)
            @pytest.mark.parametrize("n", [threading.Lock(), threading.Lock()])
            def test_takes(n):
                return n.locked()
            """
        )
        assert scratch.run().counts == {"passed": 2}


class TestMemory:
    def test_a_wide_value_does_not_outlive_its_fixture(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            import weakref

            class Table:
                pass

            made = []

            @pytest.fixture(scope="module")
            def table():
                table = Table()
                made.append(weakref.ref(table))
                return table

            @pytest.mark.parwork(backend=["threads", "processes:fork"], workers=2)
            @pytest.mark.parametrize("n", range(3))
            def test_uses(n, table): return n
            """,
            path="test_a.py",
        )
        scratch.write(
            "test_b.py",
            """
            import gc
            from test_a import made

            def test_gone():
                gc.collect()
                assert [table() for table in made] == [None]
            """,
        )
        assert scratch.run_apart().counts == {"passed": 7}

    def test_a_run_that_is_over_keeps_no_descriptor(self, scratch: Scratch) -> None:
        functions = "".join(
            f"""
            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_{number}(n): return n
            """
            for number in range(8)
        )
        scratch.cases(
            f"""
            import gc, re

            kinds = re.compile("/memfd:parwork-(payload|ledger|spool|stacks|std)")

            def mapped():
                gc.collect()
                with open("/proc/self/maps") as maps:
                    return sum(kinds.search(line) is not None for line in maps)

            {functions}
            def test_closed():
                assert mapped() == 0
            """
        )
        assert scratch.run_apart().counts == {"passed": 17}

    def test_a_result_of_a_fresh_process_does_not_outlive_its_run(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            import gc, weakref

            arrived = []

            class Big:
                def __getstate__(self):
                    return {"pid": os.getpid()}
                def __setstate__(self, state):
                    if state["pid"] != os.getpid():
                        arrived.append(weakref.ref(self))

            @pytest.mark.parwork(backend="threads", workers=2)
            @pytest.mark.parametrize("n", [pytest.param(0, marks=pytest.mark.xfail), 1])
            def test_it(n):
                if n == 0:
                    raise ValueError
                time.sleep(0.06)
                return Big()

            def test_freed():
                gc.collect()
                assert [big() for big in arrived] == [None]
            """
        )
        session = scratch.run_apart()
        assert session.counts == {"passed": 2, "xfailed": 1}, session.text
