"""What a report says about the machine and the Python it was made on."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from ..machine.cpus import usable_cpus

#: Distributions that run the tasks, or change what they compute.
_PACKAGES = (
    "pytest",
    "pytest-xdist",
    "joblib",
    "cloudpickle",
    "threadpoolctl",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "dask",
    "distributed",
)


def environment() -> dict[str, object]:
    """Return Python, platform, CPUs that this process may use, GIL, installed packages.

    `cpus_limit` says what limits the CPUs to fewer than the machine has, None if nothing does.
    """
    cpus = usable_cpus()
    is_gil_enabled = getattr(sys, "_is_gil_enabled", lambda: True)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": cpus.number,
        "cpus_limit": cpus.limit or None,
        "gil": bool(is_gil_enabled()),
        "packages": _versions(),
    }


def _versions() -> dict[str, str]:
    """Return versions from the installed metadata, without importing the packages."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
