"""`ddt.data`, `parameterized.expand` (ddt, parameterized).

packages: ddt parameterized
"""

import unittest

import ddt
import pytest
from parameterized import parameterized

N = pytest.mark.parametrize("n", range(2))


@ddt.ddt
class TestDdt(unittest.TestCase):
    @ddt.data(1, 2)
    def test_it(self, n):
        self.assertGreater(n, 0)

    @ddt.data(1, 2)
    def test_fails(self, n):
        self.assertEqual(n, 7)


class TestParameterized(unittest.TestCase):
    @parameterized.expand([(1, 1), (2, 2)])
    def test_it(self, a, b):
        self.assertEqual(a, b)


@parameterized([(1, 1), (2, 2)])
def test_function(a, b):
    assert a == b
