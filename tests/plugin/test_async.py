"""Async tests: compared on `isolated:fork`, where pytest's plugins run them, plain elsewhere."""

from __future__ import annotations

import pytest

from .scratch import Scratch

#: What a plugin such as pytest-asyncio or anyio does, in the least lines.
PLUGIN = """
    import asyncio
    import inspect
    import pytest

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(pyfuncitem):
        if not inspect.iscoroutinefunction(pyfuncitem.obj):
            return None
        names = pyfuncitem._fixtureinfo.argnames
        asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
        return True
"""

SUITE = """
    import asyncio

    @pytest.mark.parametrize("n", [1, 2])
    async def test_passes(n, tmp_path):
        await asyncio.sleep(0)
        note("ran")
        assert n and tmp_path.exists()

    async def test_fails():
        await asyncio.sleep(0)
        assert 1 == 2

    async def test_skips():
        pytest.skip("not today")

    async def test_differs():
        await asyncio.sleep(0)
        assert is_here()
"""


@pytest.mark.parametrize("backend", ["isolated:fork", "threads"])
def test_async_tests_are_compared_where_pytest_runs_them_and_plain_elsewhere(
    scratch: Scratch, backend: str
) -> None:
    scratch.write("conftest.py", PLUGIN)
    scratch.cases(SUITE)

    session = scratch.run("--parwork-all", f"--parwork-backend={backend}", report=True)

    found = {case["id"]: case["verdict"] for run in session.report["runs"] for case in run["cases"]}
    if backend == "threads":
        assert found == {}
        assert {entry["reason"] for entry in session.report["plain"]} == {"async"}
        assert session.counts == {"failed": 1, "passed": 3, "skipped": 1}
        return
    assert {id.removeprefix("test_it.py::test_"): verdict for id, verdict in found.items()} == {
        "passes[1]": "EQUAL",
        "passes[2]": "EQUAL",
        "fails": "EQUAL",
        "skips": "EQUAL",
        "differs": "DIFFERENT",
    }
    assert session.counts == {"failed": 2, "passed": 2, "skipped": 1}
    assert sorted(scratch.notes()) == ["ran here"] * 2 + ["ran there"] * 2


def test_an_async_test_that_is_lost_never_runs_here(scratch: Scratch) -> None:
    scratch.write("conftest.py", PLUGIN)
    scratch.cases("""
        import os

        @pytest.mark.parwork(backend="isolated:fork")
        async def test_it():
            note("ran")
            if not is_here():
                os._exit(3)
    """)

    session = scratch.run()

    assert session.counts == {"failed": 1}
    assert "LOST" in session.out
    assert scratch.notes() == ["ran there"]
