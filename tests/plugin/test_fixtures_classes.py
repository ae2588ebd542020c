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


class TestOthers:
    def test_static_and_class_methods(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:spawn", workers=2)
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
