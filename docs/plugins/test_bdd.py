"""scenarios (pytest-bdd).

packages: pytest-bdd
"""

from pytest_bdd import given, parsers, scenarios, then

scenarios("example.feature")


@given(parsers.parse("the number {n:d}"), target_fixture="number")
def number(n):
    return n


@then(parsers.parse("it is {expected:d}"))
def is_number(number, expected):
    assert number == expected
