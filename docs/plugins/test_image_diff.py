"""`image_diff` (pytest-image-diff).

packages: pytest-image-diff
files: .tests/image_diff/test_image_diff/of-an-earlier-run.txt
note: a race of the plugin: two processes may both make its folder; first run without parwork
"""

import pytest
from PIL import Image

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, image_diff):
    image = Image.new("RGB", (4, 4), (n, n, n))
    assert image_diff(image, image, threshold=0.1)
    return n


@N
def test_fails(n, image_diff):
    assert image_diff(Image.new("RGB", (4, 4)), Image.new("RGB", (4, 4), "white"), threshold=0.1)
