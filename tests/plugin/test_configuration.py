"""pytest's configuration where a case runs, and the fixtures that need it."""

from __future__ import annotations

import pytest

from .scratch import Scratch, slow

#: The question is the same for all backends; three kinds of workers answer it differently.
DAILY_OF_EACH = 3

BACKENDS = [
    "processes:spawn",
    "processes:fork",
    "threads",
    slow("joblib"),
    slow("isolated:fork"),
    slow("multiprocessing:forkserver"),
    slow("joblib:threading"),
    slow("dask"),
]

#: A plugin that keeps its settings where plugins do, and what cannot be sent with them.
CONFTEST = """
    import threading
    import pytest
    import settings

    def pytest_addoption(parser):
        parser.addoption("--depth", dest="how_deep", type=int, default=3)
        parser.addini("words", "some words", type="linelist")

    def pytest_configure(config):
        config.stash[settings.KEY] = {"level": 4}
        config.stash[settings.HELD] = threading.Lock()
        config._depth_settings = ("a", 1)
        config.held = threading.Lock()
    """

SETTINGS = """
    import pytest
    KEY, HELD, FREE = pytest.StashKey(), pytest.StashKey(), pytest.StashKey()
    """

CASES = """
    import settings
    pytestmark = [pytest.mark.parwork(workers=2), pytest.mark.parametrize("n", range(2))]

    def seen(config):
        return (
            config.getoption("--depth"), config.getoption("how_deep"), config.option.how_deep,
            config.getoption("nothing", 7), config.getoption("maxfail", 7), config.getini("words"),
            config.getini("testpaths"), config.get_verbosity(), config.get_verbosity("assertions"),
            str(config.rootpath), str(config.rootdir), str(config.inipath), config.args,
            config.invocation_params.args, str(config.invocation_params.dir),
            config.pluginmanager.hasplugin("terminalreporter"),
            config.pluginmanager.has_plugin("nothing"), config.pluginmanager.getplugin("nothing"),
            config._depth_settings, hasattr(config, "workerinput"),
            getattr(config, "nothing", None), hasattr(config.option, "nothing"),
            config.stash[settings.KEY], config.stash.get(settings.FREE, 5),
            settings.KEY in config.stash, settings.FREE in config.stash,
        )

    @pytest.fixture
    def given(request):
        with pytest.raises(ValueError, match="no option named 'nothing'"):
            request.config.getoption("nothing")
        with pytest.raises(ValueError, match="unknown configuration value: 'nothing'"):
            request.config.getini("nothing")
        with pytest.raises(KeyError):
            request.config.stash[settings.FREE]
        with pytest.raises(pytest.skip.Exception):
            request.config.getoption("nothing", skip=True)
        return seen(request.config), seen(request.session.config)

    class TestIt:
        def test_request(self, n, given, request):
            node = request.node
            return given, node.cls is type(self), node.module.__name__, node.obj.__name__

    def test_pytestconfig(n, pytestconfig, request):
        return seen(pytestconfig), pytestconfig.getini("words") == request.config.getini("words")

    def test_tmpdir(n, tmpdir, tmpdir_factory):
        assert tmpdir.listdir() == []
        tmpdir.join("file").write(n)
        made = tmpdir_factory.mktemp("made")
        return tmpdir.join("file").read(), type(made).__name__, made.check(dir=1)

    def test_cache(n, cache, request):
        assert cache.get("own/key", None) == 1, "it was set before the session"
        assert cache.get(f"own/{n}", None) is None
        cache.set(f"own/{n}", {"n": n})
        folder = cache.mkdir("own")
        assert not (folder / str(n)).exists()
        (folder / str(n)).write_text("")
        assert (folder / "file").read_text() == "kept"
        if hasattr(pytest.Cache, "_join_within"):  # older pytest allows it
            with pytest.raises(ValueError):
                cache.get("../../out", None)
        return cache.get(f"own/{n}", None)

    def test_suite_property(n, record_testsuite_property):
        record_testsuite_property("n", n)
        return n
    """


@pytest.fixture(autouse=True)
def _keeps(keeps_helpers: None) -> None:
    pass


def cached(scratch: Scratch) -> list[str]:
    """Return the files of the project's cache that cases write."""
    folder = scratch.path / ".pytest_cache"
    return sorted(
        f"{path.parent.parent.name}/{path.name}" for path in folder.rglob("own/*") if path.is_file()
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_case_sees_the_configuration_that_it_sees_serially(
    scratch: Scratch, backend: str
) -> None:
    scratch.write("settings.py", SETTINGS)
    scratch.write("conftest.py", CONFTEST)
    scratch.write("pytest.ini", "[pytest]\nwords =\n    one\n    two\n")
    scratch.write(".pytest_cache/v/own/key", "1")
    scratch.write(".pytest_cache/d/own/file", "kept")
    scratch.cases(CASES)
    session = scratch.run_apart(
        "--depth=4", "-p", "cacheprovider", f"--parwork-backend={backend}", report=True
    )
    assert session.counts == {"passed": 10}, session.text
    assert {run["verdict"] for run in session.report["runs"]} == {"EQUAL"}
    # Only the serial run has written into the project.
    assert cached(scratch) == ["d/0", "d/1", "d/file", "v/0", "v/1", "v/key"]


@pytest.mark.parametrize("backend", ["threads", "processes:fork", "processes:spawn"])
def test_with_verify_0_nothing_is_written_into_the_cache(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="{backend}", workers=2, verify=0)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, cache):
            cache.set(f"own/{{n}}", n)
            (cache.mkdir("own") / str(n)).write_text("")
            return cache.get(f"own/{{n}}", None)
        """
    )
    session = scratch.run_apart("-p", "cacheprovider")
    assert session.counts == {"passed": 2}, session.text
    assert cached(scratch) == []


#: What a worker does not have of the configuration, and what is said of it.
UNAVAILABLE = [
    ("config.hook", "request.config.hook is not available in a worker, where this case ran"),
    (
        "config.held",
        "request.config.held is not available in a worker",
    ),
    ("config.stash[settings.HELD]", "request.config.stash[settings.HELD] is not available"),
    (
        "config.pluginmanager.get_plugin('terminalreporter')",
        "request.config.pluginmanager.get_plugin('terminalreporter') is not available",
    ),
    ("setattr(config, 'other', 1)", "request.config.other cannot be set to 1 in a worker"),
    ("setattr(config.option, 'x', 1)", "request.config.option.x cannot be set to 1"),
    ("config.stash.__setitem__(settings.FREE, 2)", "request.config.stash cannot be given 2"),
]


def test_what_could_not_be_sent_fails_the_case_by_name(scratch: Scratch) -> None:
    scratch.write("settings.py", SETTINGS)
    scratch.write("conftest.py", CONFTEST)
    cases = [
        f"""
        @pytest.mark.parwork(backend="processes:spawn", workers=1, scope="module")
        @pytest.mark.parametrize("n", range(2))
        def test_{number}(n, request):
            config = request.config
            {use}
        """
        for number, (use, _) in enumerate(UNAVAILABLE)
    ]
    scratch.cases("\n        import settings\n" + "".join(cases))
    session = scratch.run(report=True)
    assert session.counts == {"failed": 2 * len(UNAVAILABLE)}
    text = " ".join(session.text.split())
    for _, told in UNAVAILABLE:
        assert told in text
    assert "DIFFERENT" not in session.text


@pytest.mark.parametrize("backend", ["processes:spawn", "threads"])
def test_fixtures_that_the_code_names_can_be_requested_while_it_runs(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        @pytest.fixture(scope="session", autouse=True)
        def wide(): return [1]

        @pytest.fixture
        def late(tmp_path): return tmp_path.name[:2]

        @pytest.fixture
        def asks(request):
            def inner(): return request.getfixturevalue("late")
            return request.getfixturevalue("wide"), inner()

        @pytest.mark.parwork(backend="{backend}", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, asks, tmp_path, request):
            return asks, request.getfixturevalue("asks"), n
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 2}, session.text
    assert session.run("test_it.py::test_it")["verdict"] == "EQUAL"
