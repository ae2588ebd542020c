import pytest

corrections = []


@pytest.fixture(scope="module", autouse=True)
def calibration():
    corrections.append(0.0)


@pytest.mark.parwork(backend="isolated:spawn", workers=2)
@pytest.mark.parametrize("detector", ["left", "right"])
def test_offset(detector):
    return {"detector": detector, "offset": sum(corrections)}  # the sum of nothing is an int
