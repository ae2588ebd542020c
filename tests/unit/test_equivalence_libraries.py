"""How the comparers of other libraries are found."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from pytest_parwork.equivalence import libraries
from pytest_parwork.equivalence.libraries import MODULES


def run(code: str) -> str:
    """Run code in a fresh process, and return what it printed."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, timeout=60, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_comparison_loads_no_library() -> None:
    code = f"""
import sys
import numpy
from pytest_parwork import compare

class Pretender:
    __module__ = "pandas.core.frame"

values = [1.5, "a", numpy.zeros(3), Pretender, Pretender()]
assert compare(values, [*values[:2], numpy.zeros(3), Pretender, Pretender()])
print(sorted({set(MODULES)!r} & set(sys.modules)))
"""
    assert run(code) == "[]"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("pandas", "DataFrame"),
        ("polars", "DataFrame"),
        ("pyarrow", "Table"),
        ("pydantic", "BaseModel"),
        ("scipy.sparse", "csr_array"),
        ("xarray", "Dataset"),
    ],
)
def test_a_loaded_library_loads_no_other(module: str, name: str) -> None:
    pytest.importorskip(module)
    code = f"""
import sys
import {module}
from pytest_parwork.equivalence import libraries

before = set(sys.modules)
assert libraries.find({module}.{name}) is not None
loaded = set(sys.modules) - before
print(sorted({{name.partition(".")[0] for name in loaded}} & {set(MODULES)!r}))
print(sorted(name for name in loaded if name.startswith(libraries.__name__)))
"""
    library = module.partition(".")[0]
    others, ours = map(ast.literal_eval, run(code).splitlines())
    assert set(others) <= {library}  # only more of its own modules
    assert all(name.startswith(f"{libraries.__name__}.{library}") for name in ours)
