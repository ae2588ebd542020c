"""ruamel.yaml 0.19.1: reader, scanner and parser are attributes of the one YAML() instance.

Confirmed by hand: with an instance for each case, documents are the same.
"""

import pytest
from ruamel.yaml import YAML


@pytest.fixture(scope="module")
def yaml():
    return YAML(typ="safe", pure=True)


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("i", range(4))
def test_load(i, yaml):
    return yaml.load("a:\n" + "".join(f"  - {i}{k}\n" for k in range(300)))
