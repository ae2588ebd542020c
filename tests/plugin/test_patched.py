"""What a case patches in the system's modules is used by the case alone."""

from __future__ import annotations

import importlib.util

import pytest

from .scratch import Scratch

PATCHED = """
    import os
    import pathlib
    import subprocess
    import sys
    from dataclasses import dataclass

    @dataclass
    class Result:
        n: int

    class Fake:
        def __init__(self, *args):
            raise RuntimeError("the case's own")

    @pytest.fixture
    def programless(monkeypatch):
        real = subprocess.Popen
        for module in list(sys.modules.values()):  # as pytest-subprocess does
            if vars(module).get("Popen") is real:
                monkeypatch.setattr(module, "Popen", Fake)

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_program(n, programless):
        with pytest.raises(RuntimeError):
            subprocess.run(["x"])
        return Result(n)  # loading it may run code, which another process watches

    @pytest.fixture
    def windows(monkeypatch):
        monkeypatch.setattr(os, "name", "nt")

    @pytest.fixture
    def pathless(monkeypatch):
        monkeypatch.setattr(pathlib, "Path", Fake)

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_name(n, windows):
        return os.name

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_path(n, pathless):
        with pytest.raises(RuntimeError):
            pathlib.Path("x")
        return n
"""
FAKED = """
    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_fs(n, fs):
        fs.create_file("/there/file", contents=str(n))
        return open("/there/file").read()
"""


@pytest.mark.parametrize(
    "backend", ["processes:fork", "isolated:fork", pytest.param("joblib", marks=pytest.mark.sweep)]
)
def test_a_patched_system_is_that_of_the_case_alone(scratch: Scratch, backend: str) -> None:
    has_fakes = importlib.util.find_spec("pyfakefs") is not None
    scratch.cases((PATCHED + FAKED * has_fakes).format(backend=backend))
    plugins = ["-p", "pyfakefs.pytest_plugin"] if has_fakes else []
    session = scratch.run_apart(*plugins, report=True)
    assert session.counts == {"passed": 8 if has_fakes else 6}
    for run in session.report["runs"]:
        assert {case["verdict"] for case in run["cases"]} == {"EQUAL"}
