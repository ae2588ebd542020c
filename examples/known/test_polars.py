"""polars 1.35.2: groups come in no order, unless it is asked for.

Confirmed by hand: with `maintain_order=True`, results are the same. `unordered()` would be EQUAL.
It is documented.
"""

import polars as pl
import pytest


@pytest.mark.parwork(backend="processes:spawn", workers=2)
@pytest.mark.parametrize("n", [2000, 4000, 5000])
def test_sums(n):
    frame = pl.DataFrame({"k": [f"k{j % 97}" for j in range(n)], "v": range(n)})
    return frame.group_by("k").agg(pl.col("v").sum())["k"].to_list()
