"""What `setup_class` and fixtures of class scope set in the class."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.fixture(scope="class")
def scaled(request):
    request.cls.factor = 10


@pytest.mark.usefixtures("scaled")
class TestTable:
    @classmethod
    def setup_class(cls):
        cls.table = [1, 2, 3]

    @pytest.mark.parametrize("n", range(3))
    def test_row(self, n):
        return self.table[n] * self.factor
