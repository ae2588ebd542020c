"""A project for every test of the pytest layer."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import joblib.externals.loky
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.warm import Warm

import pytest_parwork

from .scratch import Scratch

# A session inside this process forgets what it imported first. NumPy and cryptography cannot be
# imported twice, neither can what NumPy imports at its first use; and classes of ours would be
# there twice.
LOADED = (np, np.ma, np.random, np.fft, np.polynomial, np.ctypeslib, ec, joblib.externals.loky)
for _module in pkgutil.walk_packages(pytest_parwork.__path__, "pytest_parwork."):
    # No test here needs the libraries that may be installed or not, and take a second to import.
    if not _module.name.endswith("__main__") and ".libraries." not in _module.name:
        importlib.import_module(_module.name)


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Give the process that forks sessions."""
    warm = Warm()
    yield warm
    warm.close()


@pytest.fixture
def scratch(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, warm: Warm
) -> Iterator[Scratch]:
    """Give an empty project."""
    scratch = Scratch(pytester, monkeypatch, warm)
    yield scratch
    scratch.close()
