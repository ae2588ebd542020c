"""`unittest.TestCase` (Python)."""

import unittest


class TestIt(unittest.TestCase):
    def setUp(self):
        self.number = 1

    def test_it(self):
        self.assertEqual(self.number, 1)

    def test_subtests(self):
        for i in range(3):
            with self.subTest(i=i):
                self.assertGreaterEqual(i, 0)

    def test_fails(self):
        self.assertEqual(self.number, 2)
