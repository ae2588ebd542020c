"""Values that other plugins take: what the test returned is compared, and the plugin gets it."""

from __future__ import annotations

import pytest

from .scratch import Scratch

#: Each backend is a kind of its own: threads, forks, fresh processes, pytest itself in a fork.
DAILY_OF_EACH = 4

BACKENDS = ["processes:fork", "processes:spawn", "threads", "isolated:fork"]

#: Plugins that take the value of tests with a mark: one wraps when a test is collected, one when it
#: is called, as pytest-arraydiff and pytest-mpl do. Each checks it against the number of the case.
CONFTEST = """
    import functools
    import pytest

    def check(item, value):
        assert value[0] == item.callspec.params["n"] * item.config.getoption("--factor")
        value.append("changed by the plugin")

    def interceptor(item, obj):
        def wrapper(*args, **kwargs):
            item.taken = obj(*args, **kwargs)
        return wrapper

    def pytest_addoption(parser):
        parser.addoption("--factor", type=int, default=1)

    def pytest_collection_modifyitems(items):
        for item in items:
            if item.get_closest_marker("taken_early"):
                item.obj = interceptor(item, item.obj)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(item):
        late = item.get_closest_marker("taken_late")
        if late:
            item.obj = interceptor(item, item.obj)
        yield
        if late or item.get_closest_marker("taken_early"):
            check(item, item.taken)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(pyfuncitem):
        if pyfuncitem.get_closest_marker("passed_on"):
            obj = pyfuncitem.obj
            pyfuncitem.obj = functools.wraps(obj)(lambda **kwargs: obj(**kwargs))
        return (yield)

    def pytest_configure(config):
        for name in ("taken_early", "taken_late", "passed_on"):
            config.addinivalue_line("markers", name)
    """

CASES = """
    pytestmark = [pytest.mark.parwork(workers=2{verify}), pytest.mark.parametrize("n", range(2))]

    @pytest.mark.taken_early
    def test_early(n): return [n]

    @pytest.mark.taken_late
    def test_late(n): return [n]

    @pytest.mark.taken_early
    @pytest.mark.passed_on
    def test_both(n): return [n]

    @pytest.mark.passed_on
    def test_passed_on(n): return [n]

    class TestIt:
        @pytest.mark.taken_early
        def test_method(self, n, tmp_path): return [n]
    """


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_the_test_returned_is_compared_and_the_plugin_checks_it(
    scratch: Scratch, backend: str
) -> None:
    scratch.write("conftest.py", CONFTEST)
    scratch.cases(CASES.format(verify=""))
    session = scratch.run_apart(f"--parwork-backend={backend}", report=True)
    assert session.counts == {"passed": 10}, session.text
    assert {(run["verdict"], run["compared"]) for run in session.report["runs"]} == {
        ("EQUAL", "values")
    }


@pytest.mark.parametrize("verify", ["", ", verify=0"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_check_of_the_plugin_still_fails(scratch: Scratch, backend: str, verify: str) -> None:
    scratch.write("conftest.py", CONFTEST)
    scratch.cases(CASES.format(verify=verify))
    session = scratch.run_apart(f"--parwork-backend={backend}", "--factor=2", report=True)
    assert session.counts == {"passed": 6, "failed": 4}, session.text  # it holds for n = 0
    assert "DIFFERENT" not in session.text


def test_a_difference_is_found_beneath_the_wrapper(scratch: Scratch) -> None:
    scratch.write("conftest.py", CONFTEST)
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.taken_early
        @pytest.mark.parametrize("n", range(2))
        def test_it(n): return [n, is_here()]
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"failed": 2}
    assert "DIFFERENT at [1]: serial True, processes:fork-2 False" in session.text


def test_serially_the_plugin_gets_the_value_too(scratch: Scratch) -> None:
    scratch.write("conftest.py", CONFTEST)
    scratch.cases(CASES.format(verify=""))
    session = scratch.run_apart("--parwork-serial", "--factor=2")
    assert session.counts == {"passed": 6, "failed": 4}, session.text


VARIED = """
    pytestmark = pytest.mark.parametrize("n", range(2))
    varied = pytest.mark.parwork(vary={"k": [1, 2, 3]})

    @varied
    @pytest.mark.taken_early
    def test_early(n, k): return [n]

    @varied
    @pytest.mark.taken_late
    def test_late(n, k): return [n]

    @varied
    @pytest.mark.passed_on
    def test_passed_on(n, k): return [n]

    @varied
    @pytest.mark.taken_early
    def test_different(n, k): return [n, k < 3]

    @pytest.mark.parwork(inside="native", workers=[1, 2])
    @pytest.mark.taken_early
    def test_inside(n): return [n]
    """


def test_variants_are_compared_by_what_the_test_returned(scratch: Scratch) -> None:
    scratch.write("conftest.py", CONFTEST)
    scratch.cases(VARIED)
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 26, "failed": 2}, session.text
    assert {run["compared"] for run in session.report["runs"]} == {"values"}
    assert session.text.count("- DIFFERENT at [1]: k:1 True, k:3 False") == 2, session.text


@pytest.mark.parametrize("options", [(), ("--parwork-serial",)])
def test_the_plugin_checks_what_each_variant_returned(
    scratch: Scratch, options: tuple[str, ...]
) -> None:
    scratch.write("conftest.py", CONFTEST)
    scratch.cases(VARIED)
    session = scratch.run_apart("--factor=2", "-k", "not different", *options)
    assert session.counts == {"passed": 14, "failed": 8, "deselected": 6}  # it holds for n = 0
    assert "DIFFERENT" not in session.text
