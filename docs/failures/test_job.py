from dataclasses import dataclass, field
from itertools import count

import pytest

numbers = count(1)


@dataclass
class Job:
    name: str
    number: int = field(default_factory=lambda: next(numbers))


@pytest.mark.parwork(backend="isolated:fork", workers=2)
@pytest.mark.parametrize("name", ["mesh", "solve", "plot"])
def test_job(name):
    return Job(name)
