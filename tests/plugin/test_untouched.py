"""A suite that does not use the plugin: its session is unchanged."""

from __future__ import annotations

import re

import pytest

from .scratch import Scratch, Session

SUITE = """
    import random
    import warnings
    import pytest

    @pytest.fixture(scope="module", params=["x", "y"])
    def wide(request):
        yield request.param
        print("torn down")

    @pytest.fixture(autouse=True)
    def narrow(tmp_path, monkeypatch):
        monkeypatch.setenv("NARROW", str(tmp_path))

    @pytest.mark.parametrize("n", range(3))
    def test_cases(n, wide):
        print("case", n, wide)
        assert n != 1

    @pytest.mark.xfail(reason="known")
    def test_xfail(wide): assert False

    @pytest.mark.xfail
    def test_xpass(): pass

    @pytest.mark.skip(reason="later")
    def test_skip(): pass

    def test_warns(): warnings.warn("careful")

    def test_error(nothing): pass

    class TestInside:
        def setup_method(self): self.value = 1

        @pytest.mark.parametrize("a", ["[", "::", "a-b"])
        def test_method(self, a, record_property):
            record_property("a", a)
            assert self.value

    import unittest
    class TestUnit(unittest.TestCase):
        def test_unit(self):
            with self.subTest(n=1):
                self.assertEqual(1, 2)
            with self.subTest(n=2):
                self.assertEqual(1, 1)
    """

#: What changes from session to session, and the lists of all plugins and fixtures.
CHANGING = [
    (re.compile(r"\d+\.\d\ds"), "TIME"),
    (re.compile(r"0x[0-9a-f]+"), "ADDRESS"),
    (re.compile(r"plugins: .*\n"), ""),
    (re.compile(r", parwork\w*"), ""),  # among the available fixtures
    (re.compile(r'(time|timestamp)="[^"]*"'), ""),
    # Cut at a length that the available fixtures count for; all of it is in the element.
    (re.compile(r'message="[^"]*; full report in element text\]"'), ""),
]


#: The options that load the plugin, and those that do not.
PLUGIN = ("-p parwork", "")


def shape(text: str) -> str:
    for pattern, instead in CHANGING:
        text = pattern.sub(instead, text)
    return text


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-v"],
        ["-vv", "--durations=0"],
        ["-q", "-rA"],
        ["--collect-only", "-q"],
        ["--setup-show"],
        ["--setup-plan"],
        ["-x"],
        ["-k", "inside or 2", "--deselect", "test_it.py::test_warns"],
        ["--tb=short", "-l"],
    ],
    ids=" ".join,
)
def test_the_output_is_the_same(scratch: Scratch, options: list[str]) -> None:
    scratch.write("test_it.py", SUITE)
    scratch.write("test_more.py", SUITE)
    beside, without = both(scratch, *options, "--cache-clear")
    assert "parwork" not in without.text
    assert beside.code == without.code
    assert timeless(beside.out) == timeless(without.out)
    assert timeless(beside.err) == timeless(without.err)


def both(scratch: Scratch, *options: str) -> list[Session]:
    """Run pytest with the plugin and without it."""
    return [run(scratch, plugin, *options) for plugin in PLUGIN]


def run(scratch: Scratch, plugin: str, *options: str) -> Session:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", f"{plugin} -p no:faulthandler")
        return scratch.run_apart(*options)


def timeless(text: str) -> list[str]:
    """Return the lines that are the same in each session; those of `--durations` in any order."""
    lines = shape(text).splitlines()
    slowest = [line for line in lines if re.match(r"TIME (call|setup|teardown) ", line)]
    return [line for line in lines if line not in slowest] + sorted(slowest)


def test_the_junit_file_is_the_same(scratch: Scratch) -> None:
    scratch.write("test_it.py", SUITE)
    found: list[str] = []
    for plugin in PLUGIN:
        run(scratch, plugin, "--junitxml=junit.xml")
        found.append(shape((scratch.path / "junit.xml").read_text()))
    assert found[0] == found[1]


@pytest.mark.sweep
def test_xdist_shares_it_in_the_same_way(scratch: Scratch) -> None:
    pytest.importorskip("xdist")
    scratch.write("test_it.py", SUITE)
    beside, without = both(scratch, "-p", "xdist", "-n1", "-v")
    assert timeless(beside.out) == timeless(without.out)


def test_nothing_is_left_in_the_session(scratch: Scratch) -> None:
    scratch.write(
        "test_it.py",
        """
        import signal, sys

        NAMES = (
            "machine machine.clock machine.interrupts model model.dataclass model.errors "
            "model.printable model.public plugin plugin.compat plugin.config "
            "plugin.config.defaults plugin.config.marks plugin.config.options plugin.hookspecs "
            "plugin.session plugin.session.reporting report report.files"
        )

        def test_plugins(request):
            names = [name for name, _ in request.config.pluginmanager.list_name_plugin()]
            ours = [name for name in names if "parwork" in name]
            assert ours == ["parwork", "parwork-reporting", "parwork-tables"]

        def test_modules():
            ours = {name for name in sys.modules if name.startswith("pytest_parwork.")}
            assert ours == {f"pytest_parwork.{name}" for name in NAMES.split()}

        def test_signals():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        """,
    )
    session = scratch.run_apart(is_cold=True)
    assert session.counts == {"passed": 3}
