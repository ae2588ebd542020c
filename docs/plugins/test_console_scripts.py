"""`script_runner` (pytest-console-scripts).

packages: pytest-console-scripts
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
@pytest.mark.script_launch_mode("subprocess")
def test_it(n, script_runner):
    return script_runner.run(["echo", str(n)]).stdout


@N
def test_in_process(n, script_runner):
    return script_runner.run(["pip", "--version"]).returncode


@N
@pytest.mark.script_launch_mode("subprocess")
def test_fails(n, script_runner):
    assert script_runner.run(["false"]).success
