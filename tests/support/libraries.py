"""The modules of tests that import a large library."""

from __future__ import annotations

from pathlib import Path

from pytest_parwork.equivalence import libraries

UNIT = Path(__file__).parents[1] / "unit"

#: Those that compare the values of a library.
_NAMES = [file.stem for file in Path(libraries.__path__[0]).glob("*.py")]
_COMPARING = {UNIT / f"test_equivalence_{name}.py" for name in _NAMES}

#: They stay out of the processes that run all other tests, which fork workers thousands of times:
#: after pandas, polars and pyarrow are imported, a fork takes twice as long.
OF_LIBRARIES = sorted(file for file in _COMPARING | {UNIT / "test_identity.py"} if file.exists())
