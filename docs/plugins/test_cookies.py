"""`cookies` (pytest-cookies).

packages: pytest-cookies
files: template/cookiecutter.json={"name":"x"} template/{{cookiecutter.name}}/a.txt
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, cookies):
    found = cookies.bake(template="template", extra_context={"name": f"p{n}"})
    return found.exit_code, found.project_path.name


@N
def test_fails(n, cookies):
    assert cookies.bake(template="template").exit_code == 7
