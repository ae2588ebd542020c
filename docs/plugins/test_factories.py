"""factories (factory_boy, polyfactory).

packages: factory-boy polyfactory
"""

import dataclasses

import factory
import pytest
from polyfactory.factories import DataclassFactory

N = pytest.mark.parametrize("n", range(2))


@dataclasses.dataclass
class Author:
    name: str
    age: int


class AuthorFactory(factory.Factory):
    class Meta:
        model = Author

    name = factory.LazyAttribute(lambda author: f"author of {author.age}")
    age = 30


class Authors(DataclassFactory[Author]):
    __random_seed__ = 1


@N
def test_it(n):
    return AuthorFactory(age=n).name


@N
def test_polyfactory(n):
    return Authors.build(name=str(n), age=n)
