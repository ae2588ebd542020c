"""Markdown 3.11.3: footnotes of earlier documents stay in the instance.

`reset()` is the duty of the caller, which is documented. Confirmed by hand: with it, any order is
the same.
"""

import markdown
import pytest

MD = markdown.Markdown(extensions=["footnotes"])


@pytest.mark.parwork(backend="processes:spawn", workers=2)
@pytest.mark.parametrize("i", range(4))
def test_html(i):
    return MD.convert(f"x[^{i}]\n\n[^{i}]: note {i}\n")
