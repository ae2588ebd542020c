"""`archrule` (pytest-archon).

packages: pytest-archon
"""

import pytest
from pytest_archon import archrule

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    archrule("r").match("json").should_not_import("xml").check("json")


@N
def test_fails(n):
    archrule("r").match("json.decoder").should_not_import("json.scanner").check("json")
