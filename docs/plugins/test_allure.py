"""steps and attachments (allure-pytest).

packages: allure-pytest
options: --alluredir=allure
"""

import allure
import pytest

N = pytest.mark.parametrize("n", range(2))


@allure.feature("numbers")
@N
def test_it(n):
    with allure.step("a step"):
        allure.attach("text", name="a name")
    return n


@N
def test_fails(n):
    with allure.step("a step"):
        assert n == 7
