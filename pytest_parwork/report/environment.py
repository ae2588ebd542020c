"""What a report says about the machine and the Python it was made on."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path

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
    "polars",
    "pyarrow",
    "numba",
    "torch",
)

#: Environment variables that change results or the number of threads; no others are reported.
_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "MKL_NUM_THREADS",
    "MKL_CBWR",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "NPY_DISABLE_CPU_FEATURES",
    "PYTHONHASHSEED",
)


def environment() -> dict[str, object]:
    """Return Python, platform, CPUs that this process may use, GIL, installed packages.

    `cpus_limit` says what limits the CPUs to fewer than the machine has, None if nothing does.
    `cpu` is the model, `simd` the extensions that NumPy uses, if it is loaded; `native` lists the
    loaded BLAS and OpenMP libraries with their kernel and threads (as of threadpoolctl), and
    `variables` those of a fixed list that are set.
    """
    cpus = usable_cpus()
    is_gil_enabled = getattr(sys, "_is_gil_enabled", lambda: True)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": cpus.number,
        "cpus_limit": cpus.limit or None,
        "gil": bool(is_gil_enabled()),
        "cpu": _cpu_model(),
        "simd": _simd(),
        "native": _native_libraries(),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "packages": _versions(),
    }


def _cpu_model() -> str:
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(errors="replace")
        if found := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE):
            return found[1]
    return platform.processor() or platform.machine()


def _simd() -> list[str]:
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "show_config"):
        return []
    with suppress(Exception):  # a report must not fail for a detail of a version of NumPy
        found = numpy.show_config(mode="dicts")["SIMD Extensions"]
        return [*found.get("baseline", ()), *found.get("found", ())]
    return []


def _native_libraries() -> list[Mapping[str, object]]:
    from threadpoolctl import threadpool_info

    found = [
        {
            "library": str(one.get("internal_api")),
            "version": one.get("version") and str(one["version"]),
            "kernel": one.get("architecture") and str(one["architecture"]),
            "threads": one.get("num_threads"),
        }
        for one in threadpool_info()
    ]
    return sorted(found, key=str)  # they are found in the order of their files


def _versions() -> dict[str, str]:
    """Return versions from the installed metadata, without importing the packages."""
    versions = {}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[package] = _version(metadata.distribution(package))
    return versions


def _version(package: metadata.Distribution) -> str:
    """Return the version without parsing the rest: licences take most of 4 ms for a report."""
    found = re.search(r"^Version: *(\S+)$", package.read_text("METADATA") or "", re.MULTILINE)
    return found[1] if found else package.version
