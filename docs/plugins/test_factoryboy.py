"""`register`ed factories (pytest-factoryboy).

packages: pytest-factoryboy
"""

import dataclasses

import factory
import pytest
from pytest_factoryboy import register

N = pytest.mark.parametrize("n", range(2))


@dataclasses.dataclass
class Author:
    name: str


@register
class AuthorFactory(factory.Factory):
    class Meta:
        model = Author

    name = "Mary"


@N
def test_it(n, author, author_factory):
    return author.name, author_factory(name=str(n)).name


@N
def test_fails(n, author):
    assert author.name == "John"
