"""Classes: one instance for the fixtures, the set-up, the body and the tear-down of a case."""

from __future__ import annotations

import pytest

from .scratch import Scratch, slow

BACKENDS = [
    "processes:fork",
    slow("processes:spawn"),
    "joblib",
    slow("isolated:fork"),
    "threads",
    slow("dask"),
]


@pytest.fixture(autouse=True)
def _keeps(keeps_helpers: None) -> None:
    pass


@pytest.mark.parametrize("backend", BACKENDS)
class TestOnEveryBackend:
    def test_setup_method_the_fixtures_and_the_body_share_an_instance(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(
            f"""
            class Base:
                factor = 2

                def setup_method(self, method):
                    self.log = [method.__name__]

                def teardown_method(self):
                    note(" ".join(self.log).replace(" ", "-"))

                @pytest.fixture
                def value(self):
                    self.log.append("fixture")
                    yield self.factor
                    self.log.append("down")

                @pytest.fixture(autouse=True)
                def always(self, request):
                    assert request.instance is self
                    self.log.append("always")

                @pytest.mark.parametrize("n", range(3))
                def test_it(self, n, value):
                    self.log.append(str(n))
                    return n * value, list(self.log)

            @pytest.mark.parwork(backend="{backend}", workers=2)
            class TestOne(Base):
                factor = 5

            @pytest.mark.parwork(backend="{backend}", workers=2)
            class TestTwo(Base):
                @pytest.fixture
                def value(self):
                    return 7

            @pytest.mark.parwork(backend="{backend}", workers=2)
            class TestOuter:
                @pytest.fixture
                def value(self):
                    return 7

                class TestInner:
                    @pytest.fixture
                    def value(self, value):
                        return value + 1

                    @pytest.mark.parametrize("n", range(2))
                    def test_inner(self, n, value):
                        assert value == 8
                        return n, value
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 8}
        for run in session.report["runs"]:
            assert {case["verdict"] for case in run["cases"]} == {"EQUAL"}
        notes = scratch.notes()
        one = [f"test_it-always-fixture-{n}-down" for n in range(3)]
        two = [f"test_it-always-{n}" for n in range(3)]
        assert sorted(note for note in notes if note.endswith(" there")) == sorted(
            f"{told} there" for told in [*one, *two]
        )

    def test_setup_function_is_for_functions(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(
            f"""
            state = []

            def setup_module():
                note("module")

            def setup_function(function):
                state.append(function.__name__)

            def teardown_function():
                state.clear()

            pytestmark = pytest.mark.parwork(backend="{backend}", workers=1)

            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                return list(state)

            class TestMethods:
                def test_it(self):
                    return list(state)
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 3}
        assert {c["verdict"] for run in session.report["runs"] for c in run["cases"]} == {"EQUAL"}
        assert scratch.notes() == ["module here"]


LEFT = ["processes:fork", "joblib", "isolated:fork", "threads", "dask"]


class TestWhatSetUpHasLeftInTheClass:
    """`setup_class` and fixtures of class scope run once, here; cases find what they set."""

    @pytest.mark.parametrize("backend", LEFT)
    @pytest.mark.parametrize("argument", ["", ", tmp_path"], ids=["plain", "staged"])
    def test_it_is_there_on_every_backend(
        self, scratch: Scratch, backend: str, argument: str
    ) -> None:
        scratch.cases(
            f"""
            @pytest.fixture(scope="class", params=[10, 20])
            def scale(request):
                request.cls.factor = request.param

            class Base:
                before = "imported"
                same = [0]

                @classmethod
                def setup_class(cls):
                    note("set up")
                    cls.before = "set up"
                    cls.table = {{"a": [1, 2]}}
                    cls.row = cls.table["a"]

            @pytest.mark.usefixtures("scale")
            @pytest.mark.parwork(backend="{backend}", workers=2)
            class TestIt(Base):
                @pytest.mark.parametrize("n", range(3))
                def test_times(self, n{argument}):
                    assert self.row is self.table["a"]
                    return self.before, self.factor * n, self.row, self.same
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 6}
        assert set(session.verdicts("test_it.py::TestIt::test_times").values()) == {"EQUAL"}
        assert scratch.notes() == ["set up here"]

    @pytest.mark.parametrize("backend", ["joblib", "processes:fork", "isolated:fork", "threads"])
    def test_an_attribute_that_cannot_be_sent_fails_only_its_users(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(
            f"""
            import threading

            fanned_out = pytest.mark.parwork(backend="{backend}", workers=2)

            class TestIt:
                lock = None

                def setup_class(cls):
                    cls.size, cls.lock = 3, threading.Lock()

                @fanned_out
                def test_without(self):
                    return self.size

                @fanned_out
                def test_with(self):
                    with self.lock:
                        return self.size
            """
        )
        session = scratch.run()
        told = " ".join(session.text.split())
        if backend == "joblib":
            assert session.cases == {
                "test_it.py::TestIt::test_without": "passed",
                "test_it.py::TestIt::test_with": "failed",
            }
            assert "TestIt.lock was set in the main process and is not available" in told
            assert "it is a _thread.lock" in told
            assert "or use backend='isolated:fork'" in told
        else:
            assert session.counts == {"passed": 2}

    @pytest.mark.parametrize("backend", ["processes:fork", "multiprocessing:fork", "threads"])
    def test_where_memory_is_inherited_it_stays_what_it_was(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(
            f"""
            NOTHING = object()

            @pytest.mark.parwork(backend="{backend}", workers=2)
            class TestIt:
                def setup_class(cls):
                    cls.default = NOTHING

                @pytest.mark.parametrize("n", range(2))
                def test_it(self, n):
                    return n, self.default is NOTHING
            """
        )
        assert scratch.run().counts == {"passed": 2}

    def test_a_reused_worker_has_the_attributes_that_were_set_last(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture(scope="class", params="xy")
            def changed(request):
                request.cls.value = request.param

            class Base:
                def setup_class(cls):
                    cls.value = cls.__name__

                @pytest.mark.parametrize("n", range(4))
                def test_it(self, n):
                    return self.value, n

            @pytest.mark.parwork(backend="joblib", workers=2)
            class TestOne(Base): pass

            @pytest.mark.parwork(backend="joblib", workers=2)
            @pytest.mark.usefixtures("changed")
            class TestTwo(Base): pass
            """
        )
        assert scratch.run().counts == {"passed": 12}


class TestOthers:
    def test_static_and_class_methods(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:spawn", workers=1)
            class TestIt:
                factor = 3

                @pytest.fixture
                @staticmethod
                def static():
                    return 1

                @pytest.fixture
                @classmethod
                def of_class(cls):
                    return cls.factor

                def test_methods(self, static, of_class):
                    assert (static, of_class) == (1, 3)
                    return static, of_class

                @staticmethod
                def test_static(static):
                    return static
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 2}

    def test_a_case_sees_nothing_of_another(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(4))
            class TestIt:
                def setup_method(self):
                    self.seen = getattr(self, "seen", 0) + 1

                def test_it(self, n):
                    assert self.seen == 1
                    return self.seen
            """
        )
        assert scratch.run().counts == {"passed": 4}

    def test_a_set_up_that_fails_says_so(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:fork", workers=2)
            class TestIt:
                def setup_method(self):
                    raise OSError("no instance")

                def test_it(self): pass
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"errors": 1}
        assert session.verdicts("test_it.py::TestIt::test_it") == {"": "EQUAL"}
