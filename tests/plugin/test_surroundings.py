"""The surroundings of a case in a worker: environment, working directory, umask, current test."""

from __future__ import annotations

import pytest
from support.dask_programs import DaskPrograms

from .scratch import Scratch

#: Backends whose workers inherit the surroundings in different ways: not at all, from an early
#: start, from a fork, from a server that was forked before.
DAILY = "serial,threads,joblib,processes:fork,multiprocessing:forkserver"

#: All others on this machine.
OTHERS = (
    "joblib:threading,joblib:multiprocessing,multiprocessing:spawn,processes:spawn,isolated:fork,"
    "isolated:spawn,isolated:forkserver,dask,joblib:dask"
)

#: A fixture of each wide scope and two hooks act on the process; what they do is undone.
CONFTEST = """
    import os
    import time
    import pytest

    os.environ["OF_CONFTEST"] = "conftest"

    def pytest_collection_finish(session):
        os.environ["OF_HOOK"] = "hook"
        del os.environ["REMOVED"]

    @pytest.fixture(scope="session", autouse=True)
    def wide(tmp_path_factory):
        folder, umask = os.getcwd(), os.umask(0o027)
        os.environ["OF_SESSION"] = "session"
        os.environ["CHANGED"] = "after"
        os.environ["TZ"] = "Asia/Tokyo"
        time.tzset()
        os.chdir(tmp_path_factory.mktemp("elsewhere"))
        yield
        os.umask(umask)
        os.chdir(folder)

    @pytest.fixture(scope="module", autouse=True)
    def narrower(request):
        os.environ["OF_MODULE"] = request.module.__name__
        os.environ[request.module.__name__] = "yes"
        yield
        del os.environ[request.module.__name__]
"""

#: What a case sees of it; the umask without setting it, which threads would notice.
SEEN = """
    import re

    NAMES = [
        "OF_CONFTEST", "OF_HOOK", "OF_SESSION", "OF_MODULE", "CHANGED", "REMOVED", "TZ",
        "test_it", "test_other", "OMP_NUM_THREADS", "PYTEST_VERSION",
    ]
    LOADED_IN = os.environ.get("PYTEST_CURRENT_TEST")

    def umask():
        with open("/proc/self/status") as file:
            return [line for line in file if line.startswith("Umask")]

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_seen(n):
        seen = {name: os.environ.get(name) for name in NAMES}
        assert seen["OF_MODULE"] == __name__ and seen["REMOVED"] is None
        return seen, os.getcwd(), umask(), time.localtime(0).tm_hour, LOADED_IN

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_name(n):
        name = os.environ["PYTEST_CURRENT_TEST"]
        assert re.search(rf"test_name\\[(.*-)?{n}\\] \\(call\\)$", name)
        return name.rpartition("-")[2]  # without the backend

    @pytest.fixture
    def names(request):
        found = [os.environ["PYTEST_CURRENT_TEST"]]
        yield found
        assert os.environ["PYTEST_CURRENT_TEST"] == f"{request.node.nodeid} (teardown)"

    class TestClass:
        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_name_in_fixtures(self, names, n):
            assert names[0].endswith("(setup)")
            return [*names, os.environ["PYTEST_CURRENT_TEST"]]

    @pytest.mark.parwork(workers=2)
    def test_name_in_calls(parwork):
        values = parwork.map(os.environ.get, ["PYTEST_CURRENT_TEST", "OF_SESSION"])
        assert values[0].endswith("(call)") and "test_name_in_calls" in values[0]
        assert values[1] == "session"
"""


def check(scratch: Scratch, monkeypatch: pytest.MonkeyPatch, backends: str, *options: str) -> None:
    monkeypatch.setenv("CHANGED", "before")
    monkeypatch.setenv("REMOVED", "is there")
    scratch.write("conftest.py", CONFTEST)
    scratch.cases(SEEN)
    scratch.cases(SEEN, "test_other.py")
    ran = scratch.run_apart(f"--parwork-backend={backends}", *options)
    assert ran.code == 0, ran.text
    columns = backends.split(",")
    # Ten tests and a call in each of two modules; the serial backend alone is not exercised.
    assert ran.counts["passed"] == 20 * len(columns)


@pytest.mark.parametrize("options", [(), ("-k", "test_")], ids=["all", "-k"])
def test_workers_have_what_hooks_and_wide_fixtures_have_set(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    # Without -k, the workers of joblib start while pytest collects.
    check(scratch, monkeypatch, DAILY if not options else "joblib", *options)


@pytest.mark.sweep
@pytest.mark.parametrize("backend", OTHERS.split(","))
def test_workers_of_every_backend_have_it(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    check(scratch, monkeypatch, backend)


@pytest.mark.sweep
def test_a_cluster_that_is_joined_keeps_its_surroundings_but_each_thread_names_its_test(
    scratch: Scratch, tmp_path_factory: pytest.TempPathFactory, keeps_helpers: None
) -> None:
    programs = DaskPrograms(tmp_path_factory.mktemp("cluster"), workers=1, threads=2)
    scratch.write(
        "conftest.py",
        """
        import os

        def pytest_collection_finish(session):
            os.environ["OF_HOOK"] = "hook"
        """,
    )
    scratch.cases(
        """
        @pytest.fixture
        def named():
            name = os.environ["PYTEST_CURRENT_TEST"]
            yield name
            assert os.environ["PYTEST_CURRENT_TEST"].endswith("(teardown)")

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("n", range(8))
        def test_plain(n):
            time.sleep(0.05)
            return os.environ["PYTEST_CURRENT_TEST"]

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("n", range(8))
        def test_set_up(n, named):
            time.sleep(0.05)
            return named, os.environ["PYTEST_CURRENT_TEST"]

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_own(n):
            return os.environ.get("OF_HOOK")
        """
    )
    try:
        ran = scratch.run_apart(f"--parwork-backend=dask:{programs.address}")
    finally:
        programs.close()
    assert ran.counts == {"passed": 16, "failed": 2}, ran.text
    assert "DIFFERENT: serial 'hook'" in ran.text
