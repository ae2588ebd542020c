"""Warnings of cases in workers: under pytest's filters, and once in its summary."""

from __future__ import annotations

from collections import Counter

import pytest

from .scratch import Scratch, Session, slow

PROCESSES = [
    "processes:fork",
    slow("processes:spawn"),
    slow("multiprocessing"),
    slow("isolated"),
    "joblib",
    slow("joblib:multiprocessing"),
    "dask",
]
ALL = [*PROCESSES, "threads", "joblib:threading", "serial"]

DEFAULT = ("-W", "default")


class Recorder:
    """A plugin that keeps all warnings that pytest records."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, str, str, int]] = []

    def pytest_warning_recorded(
        self, warning_message: object, when: str, nodeid: str, location: object
    ) -> None:
        told = vars(warning_message)
        assert isinstance(told["message"], Warning)
        self.found.append(
            (
                nodeid,
                told["category"].__name__,
                str(told["message"]),
                told["filename"],
                told["lineno"],
            )
        )


def summary(session: Session) -> list[str]:
    """Return the lines of the warnings summary."""
    lines = session.lines
    starts = [n for n, line in enumerate(lines) if " warnings summary " in line]
    if not starts:
        return []
    end = next(n for n in range(starts[0], len(lines)) if lines[n].startswith("-- Docs"))
    return [line.strip() for line in lines[starts[0] + 1 : end] if line.strip()]


@pytest.mark.parametrize("backend", ALL)
def test_what_only_a_worker_warns_of_is_in_the_summary_once(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        import warnings

        RUNS = dict.fromkeys(range(3), 0)

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            RUNS[n] += 1
            if RUNS[n] == 1 and (not is_here() or {backend!r} == "serial"):
                for _ in range(2):
                    warnings.warn("only there", FutureWarning)
            return n
        """
    )
    session = scratch.run(*DEFAULT)
    assert session.counts == {"passed": 3, "warnings": 3}
    assert summary(session) == [
        *(f"test_it.py::test_it[{n}]" for n in range(3)),
        f"{scratch.path / 'test_it.py'}:15: FutureWarning: only there",
        'warnings.warn("only there", FutureWarning)',
    ]


@pytest.mark.parametrize("backend", ALL)
def test_what_both_runs_warn_of_is_in_the_summary_once(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        import warnings

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            warnings.warn("both", DeprecationWarning)
            warnings.warn("both")
            return n
        """
    )
    session = scratch.run(*DEFAULT)
    assert session.counts == {"passed": 4, "warnings": 8}


@pytest.mark.parametrize("backend", ALL)
def test_every_case_has_the_warnings_of_a_place_that_warns_again(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        import warnings

        @pytest.mark.parwork(backend={backend!r}, workers=2, verify=0)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            warnings.warn("again")
        """
    )
    session = scratch.run(*DEFAULT)
    assert session.counts == {"passed": 6, "warnings": 6}


@pytest.mark.parametrize("backend", ALL)
def test_an_error_is_raised_in_both_runs(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        import warnings

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            warnings.warn("raised")
        """
    )
    session = scratch.run("-W", "error", report=True)
    assert session.counts == {"failed": 2}
    assert session.verdicts("test_it.py::test_it") == {"0": "EQUAL", "1": "EQUAL"}
    assert not summary(session)


@pytest.mark.parametrize("backend", ALL)
def test_a_case_that_hears_warnings_itself_hears_the_same(scratch: Scratch, backend: str) -> None:
    if backend in {"threads", "joblib:threading"}:
        pytest.skip("warnings.catch_warnings is for one thread alone")
    scratch.cases(
        f"""
        import warnings

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(2))
        @pytest.mark.filterwarnings("ignore:not this")
        def test_it(n):
            with pytest.warns(UserWarning, match="expected"):
                warnings.warn("expected")
            with warnings.catch_warnings(record=True) as heard:
                warnings.warn("not this")
                warnings.warn("but this")
            return [str(one.message) for one in heard]
        """
    )
    session = scratch.run(*DEFAULT)
    assert session.counts == {"passed": 2}


class TestFilters:
    @pytest.mark.parametrize("backend", ALL)
    def test_of_the_ini_file_hold(
        self, scratch: Scratch, monkeypatch: pytest.MonkeyPatch, backend: str
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", str(scratch.path))  # pytest imports the class at once
        scratch.write(
            "helped.py",
            """
            import warnings
            class OwnWarning(UserWarning): pass
            def warn(): warnings.warn("by its module")
            """,
        )
        scratch.write(
            "pytest.ini",
            """
            [pytest]
            filterwarnings =
                error
                ignore::helped.OwnWarning
                ignore:::helped
            """,
        )
        scratch.cases(
            f"""
            import helped, warnings

            @pytest.mark.parwork(backend={backend!r}, workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                warnings.warn("By its Text, which is not all")
                warnings.warn("by its class", helped.OwnWarning)
                helped.warn()
                with pytest.raises(FutureWarning):
                    warnings.warn("an error", FutureWarning)
            """
        )
        monkeypatch.setenv("PYTEST_ADDOPTS", "-p parwork -p no:faulthandler")
        session = scratch.run_apart("-W", "ignore:by its text")
        assert session.counts == {"passed": 2}

    @pytest.mark.parametrize("backend", ALL)
    def test_of_each_case_hold(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(
            f"""
            import warnings

            @pytest.mark.filterwarnings("ignore:of the function")
            @pytest.mark.parwork(backend={backend!r}, workers=2, verify=0)
            @pytest.mark.parametrize("n", [
                0,
                pytest.param(1, marks=pytest.mark.filterwarnings("error:of the case")),
                2,
                pytest.param(3, marks=pytest.mark.filterwarnings("ignore:of the case")),
                4,
            ])
            def test_it(n):
                warnings.warn("of the function")
                warnings.warn("of the case")
            """
        )
        session = scratch.run(*DEFAULT)
        assert session.counts == {"passed": 4, "failed": 1, "warnings": 3}
        assert summary(session)[:3] == [f"test_it.py::test_it[{n}]" for n in (0, 2, 4)]

    @pytest.mark.parametrize("backend", ALL)
    def test_of_different_tests_of_a_module_hold(self, scratch: Scratch, backend: str) -> None:
        scratch.write(
            "test_it.py",
            """
            import warnings

            import pytest

            def warn():
                warnings.warn("old", DeprecationWarning)

            def test_of_the_session():
                warn()

            @pytest.mark.filterwarnings("error")
            def test_raises():
                with pytest.raises(DeprecationWarning):
                    warn()

            @pytest.mark.filterwarnings("ignore::DeprecationWarning")
            class TestIgnored:
                def test_one(self):
                    warn()

                @pytest.mark.filterwarnings("error::UserWarning")
                def test_two(self):
                    warn()
                    with pytest.raises(UserWarning):
                        warnings.warn("new")

                def test_three(self):
                    warn()

            @pytest.mark.filterwarnings("error")
            def test_fails():
                warn()
            """,
        )
        options = (*DEFAULT, "--parwork-all", f"--parwork-backend={backend}")
        session = scratch.run(*options, "--parwork-workers=2", "-v", report=True)
        assert session.counts == {"passed": 5, "failed": 1, "warnings": 1}
        assert not session.report["plain"]
        cases = session.run("test_it.py")["cases"]
        assert [case["verdict"] for case in cases] == ["EQUAL"] * 6
        if backend in {"threads", "joblib:threading"}:
            assert "run of 2 cases with filterwarnings: " in session.out
            assert "2 cases of 6 ran without others" in " ".join(session.section)

    def test_that_a_case_sets_end_with_it(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            import warnings

            @pytest.mark.parwork(backend="processes", workers=1, verify=0)
            @pytest.mark.parametrize("n", range(4))
            def test_it(n):
                if n == 0:
                    warnings.simplefilter("error")
                if n == 2:
                    warnings.showwarning = print
                warnings.warn(f"of {n}")
            """
        )
        session = scratch.run(*DEFAULT)
        assert session.counts == {"passed": 3, "failed": 1, "warnings": 2}
        assert [line for line in summary(session) if "UserWarning" in line] == [
            f"{scratch.path / 'test_it.py'}:14: UserWarning: of {n}" for n in (1, 3)
        ]

    def test_cost_no_import_of_their_classes(
        self, scratch: Scratch, keeps_helpers: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", str(scratch.path))
        scratch.write(
            "heavy.py", "from noting import note\nnote('heavy')\nclass HeavyWarning(Warning): pass"
        )
        scratch.write("work.py", "def work(n): return n")
        scratch.write(
            "test_it.py",
            """
            from work import work

            def test_it(parwork):
                parwork.map(work, range(2), backend="processes:spawn", workers=1)
            """,
        )
        session = scratch.run_apart("-W", "error::heavy.HeavyWarning")
        assert session.counts == {"passed": 1}
        assert set(scratch.notes()) == {"heavy here"}

    def test_hold_for_a_class_that_comes_during_the_case(
        self, scratch: Scratch, keeps_helpers: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", str(scratch.path))
        scratch.write("late.py", "class LateWarning(Warning): pass")
        scratch.cases(
            """
            import sys, warnings

            @pytest.mark.filterwarnings("error::late.LateWarning")
            @pytest.mark.parwork(backend="processes:spawn", workers=1)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                import late
                class Sub(late.LateWarning): pass
                warnings.warn("late", Sub)
            """
        )
        session = scratch.run_apart(*DEFAULT, report=True)
        assert session.counts == {"failed": 2}
        assert session.verdicts("test_it.py::test_it") == {"0": "EQUAL", "1": "EQUAL"}

    def test_without_the_plugin_are_none(self, scratch: Scratch, keeps_helpers: None) -> None:
        scratch.cases(
            """
            import warnings

            @pytest.mark.parwork(backend="processes:spawn", workers=1)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                if not is_here():
                    warnings.warn("printed")
                return n and is_here()
            """
        )
        session = scratch.run("-p", "no:warnings")
        assert session.counts == {"passed": 1, "failed": 1}
        assert "UserWarning: printed" in session.out
        assert not summary(session)


def test_plugins_are_notified_as_by_pytest_itself(scratch: Scratch, keeps_helpers: None) -> None:
    scratch.cases(
        """
        import warnings

        class OwnWarning(UserWarning):
            def __init__(self, *args):
                super().__init__(*args)

        class StubbornWarning(UserWarning):
            def __reduce__(self):
                raise TypeError("it stays")

        @pytest.mark.parwork(backend="processes:spawn", workers=1)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            if not is_here():
                warnings.warn(OwnWarning("mine"))
                warnings.warn(StubbornWarning("stays"))
        """
    )
    recorder = Recorder()
    scratch.run(*DEFAULT, plugins=[recorder])
    file = str(scratch.path / "test_it.py")
    assert Counter(recorder.found) == Counter(
        told
        for n in range(2)
        for told in [
            (f"test_it.py::test_it[{n}]", "OwnWarning", "mine", file, 19),
            (f"test_it.py::test_it[{n}]", "StubbornWarning", "stays", file, 20),
        ]
    )


def test_xdist_brings_them_home(scratch: Scratch) -> None:
    scratch.cases(
        """
        import warnings

        @pytest.mark.parwork(backend="processes", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            warnings.warn("both")
            if not is_here():
                warnings.warn("only there")
            return n
        """
    )
    session = scratch.run_apart(*DEFAULT, "-p", "xdist.plugin", "-n", "1")
    assert session.counts == {"passed": 3, "warnings": 6}


class TestCalls:
    @pytest.mark.parametrize("backend", ["processes:fork", "joblib"])
    def test_warn_in_the_test_itself_once(self, scratch: Scratch, backend: str) -> None:
        scratch.cases(
            f"""
            import warnings

            def work(n):
                warnings.warn(f"both {{n}}")
                if not is_here():
                    warnings.warn(f"only there {{n}}")

            def test_it(parwork):
                parwork.map(work, range(2), backend={backend!r}, workers=2)

            def test_heard(parwork):
                with pytest.warns(UserWarning) as heard:
                    parwork.map(work, range(2), backend={backend!r}, workers=2, verify=0)
                assert len(heard) == 4
                assert heard[0].filename == __file__
            """
        )
        session = scratch.run(*DEFAULT)
        assert session.counts == {"passed": 2, "warnings": 4}

    def test_raise_where_a_warning_is_an_error(self, scratch: Scratch, keeps_helpers: None) -> None:
        scratch.cases(
            """
            import warnings

            def work(n):
                warnings.warn("raised")

            @pytest.mark.filterwarnings("error")
            def test_it(parwork):
                with pytest.raises(UserWarning, match="raised"):
                    parwork.map(work, range(2), backend="processes:spawn", workers=1)
            """
        )
        assert scratch.run(*DEFAULT).counts == {"passed": 1}
