"""`cli_runner`, `isolated_cli_runner` (pytest-click).

packages: pytest-click
"""

import click
import pytest

N = pytest.mark.parametrize("n", range(2))


@click.command()
@click.argument("number")
def command(number):
    click.echo(f"number {number}")


@N
def test_it(n, cli_runner):
    return cli_runner.invoke(command, [str(n)]).output


@N
def test_isolated(n, isolated_cli_runner):
    return isolated_cli_runner.invoke(command, [str(n)]).output


@N
def test_fails(n, cli_runner):
    assert cli_runner.invoke(command, []).exit_code == 0
