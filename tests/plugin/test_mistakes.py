"""All mistakes of a session are reported together, and a missing library once."""

from __future__ import annotations

import sys

import pytest

from .scratch import Scratch, Session

MISTAKES = """
    @pytest.mark.parwork(bakend="threads")
    @pytest.mark.parametrize("n", range(2))
    def test_keyword(n): note("ran")

    @pytest.mark.parwork(workers=0)
    def test_value(): note("ran")

    @pytest.mark.parworks
    def test_mark(): note("ran")

    @pytest.mark.parwork(backend="threads")
    @pytest.mark.parametrize("n", range(2))
    def test_fixture(n, monkeypatch): note("ran")

    @pytest.mark.parwork
    async def test_async(): note("ran")

    class TestInClass:
        @pytest.mark.parwork(backend="nosuch")
        def test_backend(self): note("ran")

    @pytest.mark.parwork(backend="threads")
    @pytest.mark.parametrize("n", range(2))
    def test_fine(n):
        note("fine")
        return n
"""

#: Tests with a mistake, and what is said of it; in a file, or of a selected test.
OF_FILE = {
    "test_keyword": "unknown keyword 'bakend'",
    "test_value": "workers=0",
    "test_mark": "unknown mark 'parworks'",
    "TestInClass::test_backend": "unknown backend 'nosuch'",
}
OF_TEST = {"test_fixture[0]": "the fixture 'monkeypatch'", "test_async": "an async test"}


def _said(session: Session) -> str:
    return " ".join(session.text.split())


def test_all_mistakes_of_a_session_are_reported_together(scratch: Scratch) -> None:
    scratch.cases(MISTAKES)
    scratch.cases(MISTAKES, "test_other.py")
    session = scratch.run("-W", "ignore::pytest.PytestUnknownMarkWarning")
    assert session.code == pytest.ExitCode.USAGE_ERROR
    said = _said(session)
    for file in ("test_it.py", "test_other.py"):
        for test, text in OF_FILE.items():
            assert f"{file}::{test}: {text}" in said
    for test, text in OF_TEST.items():
        assert f"ERROR: test_it.py::{test}: {text}" in said
        assert said.count(text) == 1, "one reason for the same mistake in several tests"
        assert f"(also test_other.py::{test.partition('[')[0]})" in said
    assert session.counts == {"errors": 2}
    assert scratch.notes() == []


def test_mistakes_in_markers_fail_the_collection_of_their_file(scratch: Scratch) -> None:
    scratch.cases(MISTAKES)
    scratch.cases("def test_well(): pass", "test_well.py")
    ignoring = ("-W", "ignore::pytest.PytestUnknownMarkWarning")
    chosen = ("-k", "not (test_fixture or test_async)")
    session = scratch.run(*ignoring, *chosen)
    assert session.code == pytest.ExitCode.INTERRUPTED
    assert all(text in _said(session) for text in OF_FILE.values())
    assert "1 error during collection" in session.text
    assert scratch.notes() == []
    session = scratch.run(*ignoring, *chosen, "--continue-on-collection-errors", report=True)
    assert session.code == pytest.ExitCode.TESTS_FAILED
    assert set(session.verdicts("test_it.py::test_fine").values()) == {"EQUAL"}
    assert scratch.notes().count("ran here") == 1, "the one that is not marked"


def test_a_mistake_of_many_tests_names_some_of_them(scratch: Scratch) -> None:
    scratch.cases(
        "\n".join(
            f"""
            @pytest.mark.parwork
            async def test_{number:02}(): pass
            """
            for number in range(30)
        )
    )
    session = scratch.run()
    said = _said(session)
    assert said.count("an async test cannot be fanned out") == 1
    assert "ERROR: test_it.py::test_00: an async test" in said
    assert "test_it.py::test_20 and 9 more)" in said


@pytest.mark.parametrize(
    ("backend", "library", "remedy"),
    [
        ("dask", "distributed", "pip install 'pytest-parwork[dask]'"),
        ("dask:tcp://127.0.0.1:1", "distributed", "pip install 'pytest-parwork[dask]'"),
        ("joblib:dask", "distributed", "pip install 'pytest-parwork[dask]'"),
        ("joblib:ray", "ray", "pip install ray"),
    ],
)
@pytest.mark.parametrize("place", ["marker", "option"])
def test_a_missing_library_is_reported_once_at_collection(
    scratch: Scratch,
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
    library: str,
    remedy: str,
    place: str,
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    keyword = f"backend={backend!r}, " if place == "marker" else ""
    scratch.cases(
        f"""
        @pytest.mark.parwork({keyword}workers=2)
        @pytest.mark.parametrize("n", range(5))
        def test_it(n): note("ran")

        @pytest.mark.parwork({keyword}workers=2)
        @pytest.mark.parametrize("n", range(5))
        def test_other(n): note("ran")
        """
    )
    option = [f"--parwork-backend={backend}"] if place == "option" else []
    session = scratch.run(*option)
    assert session.code == pytest.ExitCode.USAGE_ERROR
    said = _said(session)
    assert said.count(remedy) == 1
    assert f"the backend {backend!r} cannot start here: " in said
    assert "(also test_it.py::test_other)" in said
    assert scratch.notes() == []
    session = scratch.run(*option, "--parwork-serial")
    assert session.counts == {"passed": 10}
