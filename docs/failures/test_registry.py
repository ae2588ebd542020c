import pytest

readers = {"csv": 1}


@pytest.fixture(scope="module", autouse=True)
def plugin():
    readers["parquet"] = 2  # in this process alone: a worker imports the module afresh


@pytest.mark.parwork(backend="isolated:spawn", workers=2)
@pytest.mark.parametrize("version", [1, 2])
def test_readers(version):
    return {name: number + version for name, number in readers.items()}
