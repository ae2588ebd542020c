"""Methods, `setup_method`, class attributes, inheritance."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


class Base:
    factor = 2

    def setup_method(self):
        self.ready = True

    @pytest.mark.parametrize("n", range(2))
    def test_times(self, n):
        assert self.ready
        return n * self.factor


class TestTwo(Base):
    pass


class TestThree(Base):
    factor = 3
