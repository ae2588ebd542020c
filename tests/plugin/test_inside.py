"""`inside=`: a body under each ambient configuration, compared with the serial one."""

from __future__ import annotations

import importlib.util
import re

import pytest

from .scratch import Scratch


@pytest.fixture(scope="module", autouse=True)
def _dask_is_loaded() -> None:
    """Import it here: a session inside of this process would import it anew."""
    pytest.importorskip("dask.array")


#: A body that follows joblib's configuration, one that follows dask's, and one that follows none.
LIBRARY = """
import joblib
import numpy as np

def negated(number, n_jobs=None):
    calls = (joblib.delayed(int.__neg__)(n) for n in range(number))
    return joblib.Parallel(n_jobs=n_jobs, batch_size=1)(calls)

def blocks(chunks=100):
    import dask.array as da
    return da.ones((400, 10), chunks=(chunks, 10)).sum(axis=1)
"""


def test_each_configuration_is_compared_with_the_serial_one(scratch: Scratch) -> None:
    scratch.write("library.py", LIBRARY)
    scratch.cases(
        """
        from library import blocks, negated

        @pytest.mark.parwork(inside=["joblib:threading", "dask:threads"], workers=[2, 3])
        def test_joblib():
            note("joblib")
            return negated(6)

        @pytest.mark.parwork(inside="dask:threads", workers=2)
        @pytest.mark.parametrize("chunks", [50, 100])
        def test_dask(chunks):
            return blocks(chunks)

        @pytest.mark.parwork(inside=["joblib:threading"], workers=2)
        class TestIt:
            def test_serial(self): return negated(6, n_jobs=1)
        """
    )
    session = scratch.run(report=True)
    names = [
        *(f"test_joblib[{n}-{w}]" for n in ("joblib:threading", "dask:threads") for w in (2, 3)),
        *(f"test_dask[{chunks}]" for chunks in (50, 100)),
        "TestIt::test_serial[joblib:threading]",
    ]
    assert [id.partition("::")[2] for id in session.cases] == names
    assert session.counts == {"passed": 7}
    assert scratch.notes() == ["joblib here"] * 5  # the reference once, for four configurations
    found = {
        (run["id"].partition("::")[2], run["configuration"]["id"]): run
        for run in session.report["runs"]
    }
    assert {key: run["exercised"] for key, run in found.items()} == {
        ("test_joblib", "joblib:threading-2"): True,
        ("test_joblib", "joblib:threading-3"): True,
        ("test_joblib", "dask:threads-2"): False,
        ("test_joblib", "dask:threads-3"): False,
        ("test_dask", "dask:threads-2"): True,
        ("TestIt::test_serial", "joblib:threading-2"): False,
    }
    for (name, _), run in found.items():
        for case in run["cases"]:
            assert case["verdict"] == "EQUAL"
            assert case["legs"]["reference"]["pools"] == []  # it really was serial
            if run["exercised"]:
                (pool,) = case["legs"]["actual"]["pools"]
                kind = "dask" if name == "test_dask" else "joblib"
                workers = run["configuration"]["workers"]["asked"]
                assert (pool["name"].partition("'")[0], pool["workers"]) == (kind, workers)
    text = " ".join(session.out.split())
    assert "joblib.Parallel follows with n_jobs=None, and does not with n_jobs=1." in text


def test_a_collection_is_computed_and_compared_with_its_layout(scratch: Scratch) -> None:
    scratch.write("library.py", LIBRARY)
    scratch.cases(
        """
        import dask
        import dask.array as da
        import numpy as np

        def is_parallel(): return dask.config.get("scheduler") == "threads"
        parwork = pytest.mark.parwork(inside="dask:threads", workers=2)

        @parwork
        def test_equal(): return da.arange(10, chunks=5)
        @parwork
        def test_chunks(): return da.arange(10, chunks=5 if is_parallel() else 2)
        @parwork
        def test_dtype(): return da.ones(4, dtype="f4" if is_parallel() else "f8", chunks=2)
        @parwork
        def test_value():
            wrong = is_parallel()
            return da.ones(4, chunks=2).map_blocks(lambda x: x + wrong, dtype="f8")
        @parwork
        def test_raises():
            def fail(x): raise ValueError("no")
            return da.ones(4, chunks=2).map_blocks(fail, dtype="f8")
        @parwork
        def test_in_tuple(): return 1, da.ones(4, chunks=2)

        @pytest.fixture
        def here():
            with dask.config.set(scheduler="synchronous"): yield

        @pytest.mark.parwork(vary={"chunks": [2, 4]})
        def test_varied(chunks, here): return da.arange(10, chunks=chunks)
        """
    )
    session = scratch.run(report=True)
    verdicts = {
        run["id"].partition("::")[2]: (
            run["cases"][0]["verdict"],
            [mismatch["path"] for mismatch in run["mismatches"]],
        )
        for run in session.report["runs"]
    }
    assert verdicts == {
        "test_equal": ("EQUAL", []),
        "test_chunks": ("DIFFERENT", [".chunks[0]", ".chunks[0][0]", ".chunks[0][1]"]),
        "test_dtype": ("DIFFERENT", ["", ".dtype", ".meta"]),
        "test_value": ("DIFFERENT", ["[0]"]),
        "test_raises": ("EQUAL", []),
        "test_in_tuple": ("DIFFERENT", ["[1]"]),
        "test_varied": ("EQUAL", []),  # chunks are what is varied
    }
    assert session.cases["test_it.py::test_raises"] == "failed"  # as it does serially
    assert "a dask collection is not computed yet; return its .compute()" in session.out


def test_checks_have_the_ids_of_what_was_given_as_a_list(scratch: Scratch) -> None:
    scratch.write("library.py", LIBRARY)
    scratch.cases(
        """
        from library import negated

        @pytest.mark.parwork(inside="joblib:threading", workers=2)
        def test_one(): return negated(4)

        @pytest.mark.parwork(inside=["joblib:threading", "dask:threads"], workers=2)
        def test_two(): return negated(4)
        """
    )
    session = scratch.run("--parwork-strict", "--parwork-all")
    checks = {id.partition("::")[2]: how for id, how in session.cases.items() if "exerc" in id}
    assert checks == {
        "test_one[exercised]": "passed",
        "test_two[joblib:threading-exercised]": "passed",
        "test_two[dask:threads-exercised]": "failed",
    }


def test_native_threads_are_limited_in_the_reference_and_named(scratch: Scratch) -> None:
    pytest.importorskip("numpy")
    scratch.cases(
        """
        import os, sys, types
        import numpy as np
        import threadpoolctl
        sys.modules.setdefault("numba", types.ModuleType("numba"))

        @pytest.mark.parwork(inside="native", workers=2)
        def test_it():
            counts = {library["num_threads"] for library in threadpoolctl.threadpool_info()}
            note(f"{os.environ['OMP_NUM_THREADS']}-{sorted(counts)}")
            a = np.ones((300, 300))
            return a @ a
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 1}
    assert scratch.notes() == ["1-[1] here", "2-[2] here"]
    text = " ".join(session.out.split())
    assert "native reaches openblas" in text
    # Another test may have loaded polars in this process.
    assert "it does not reach numba (NUMBA_NUM_THREADS)" in text
    assert "set the variable before pytest starts" in text


def test_the_fixtures_of_the_hidden_reference_are_its_own(scratch: Scratch) -> None:
    scratch.write("library.py", LIBRARY)
    scratch.cases(
        """
        from library import negated

        @pytest.fixture(scope="module")
        def wide():
            note("wide")
            return []

        @pytest.fixture
        def own(wide, tmp_path):
            note("own")
            yield [*wide, tmp_path]
            note("torn down")

        @pytest.mark.parwork(inside=["joblib:threading", "dask:threads"], workers=2)
        def test_it(own):
            assert list(own[0].iterdir()) == []
            (own[0] / "file").touch()
            note("body")
            return negated(4)
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 2}
    each = ["own here", "body here", "torn down here"]
    assert scratch.notes() == ["wide here", *each, *each, *each]


#: What is given to `inside=`, and the error.
WRONG = [
    ("[]", "inside=[] is empty; give joblib:..., dask:threads"),
    ("'threads'", "unknown inside='threads'; known: joblib:loky, joblib:threading, "),
    ("3", "unknown inside=3; known: "),
    ("'native:2'", "unknown inside='native:2'; known: "),
    ("['native', 'native']", "inside=['native', 'native'] has a duplicate; give each value once"),
    ("'joblib:ray'", "inside='joblib:ray' is unsupported; known: "),
    ("'joblib:nothing'", "unknown backend 'joblib:nothing'; joblib knows: "),
    ("'dask:nothing'", "unknown backend 'dask:nothing'; after the colon comes the address of a"),
    ("'native', vary={'n': [1, 2]}", "in one marker: a test has one of backend, vary, inside"),
    ("'native', backend='serial'", "in one marker: a test has one of backend, vary, inside"),
    ("'native', verify=0.5", "verify=0.5 has no meaning with inside=, whose calls run in pytest's"),
    ("'native', workers=0", "workers=0; give a positive int"),
]


def test_bad_input_names_the_value_and_the_remedy(scratch: Scratch) -> None:
    for number, (given, _) in enumerate(WRONG):
        text = f"@pytest.mark.parwork(inside={given})\ndef test_it(n=1): return 1\n"
        scratch.cases(text, path=f"test_{number:02}.py")
    session = scratch.run()
    assert session.counts == {"errors": len(WRONG)}
    errors = re.split(r"_+ ERROR collecting test_\d+.py _+", session.out)[1:]
    for (_, message), error in zip(WRONG, errors, strict=True):
        assert message in " ".join(error.replace("\nE   ", " ").split())


def test_a_library_that_is_missing_is_named(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "pytest_parwork.backends.dask.ambient.find_spec",
        lambda name: None if name in ("dask", "distributed") else found(name),
    )
    for number, name in enumerate(("dask:threads", "dask")):
        text = f"@pytest.mark.parwork(inside={name!r})\ndef test_it(): return 1\n"
        scratch.cases(text, path=f"test_{number}.py")
    session = scratch.run()
    text = " ".join(session.out.split())
    for name, module in (("dask:threads", "dask"), ("dask", "distributed")):
        assert f"inside={name!r} needs {module}, which is not installed; install it with:" in text


def test_what_differs_on_one_configuration_fails_there_only(scratch: Scratch) -> None:
    scratch.write("library.py", LIBRARY)
    scratch.cases(
        """
        import threading
        from library import negated
        import joblib

        local = threading.local()

        def scaled(n): return n * getattr(local, "scale", 1)

        @pytest.mark.parwork(inside=["joblib:threading", "joblib:sequential"], workers=2)
        def test_context_does_not_reach_workers():
            local.scale = 10
            return joblib.Parallel()(joblib.delayed(scaled)(n) for n in range(1, 5))
        """
    )
    session = scratch.run("-k", "threading")
    assert session.counts == {"failed": 1, "deselected": 1}
    assert "serial 10, joblib:threading-2 1" in session.out
    assert 'pytest "test_it.py::test_context_does_not_reach_workers[joblib:thr' in session.out
    session = scratch.run("--parwork-serial")
    assert session.counts == {"passed": 2}


@pytest.mark.sweep
def test_processes_and_clusters(scratch: Scratch) -> None:
    scratch.write("library.py", LIBRARY)
    scratch.cases(
        """
        from library import blocks, negated

        @pytest.mark.parwork(inside=["joblib:loky", "joblib:dask"], workers=2)
        def test_joblib(): return negated(6)

        @pytest.mark.parwork(inside=["dask:processes", "dask"], workers=2)
        def test_dask(): return blocks()
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 4}
    assert {run["configuration"]["id"]: run["exercised"] for run in session.report["runs"]} == {
        "joblib:loky-2": True,
        "joblib:dask-2": True,
        "dask:processes-2": True,
        "dask-2": True,
    }
