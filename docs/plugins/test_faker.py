"""`faker` (Faker).

packages: Faker
note: on threads such cases take turns: one generator is reseeded for each
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, faker):
    return faker.name()
