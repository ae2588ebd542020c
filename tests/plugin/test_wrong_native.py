"""Deliberately wrong loops in native code, on the threads of OpenMP, and a right one."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from .scratch import Scratch

#: A sum over an array, right or wrong in one of four ways. The configuration, a factor, belongs to
#: the thread that set it (a `threadprivate` variable), as errno or a rounding mode does.
LIBRARY = r"""
#include <omp.h>
static double factor = 1.0;
#pragma omp threadprivate(factor)
static unsigned long state;

static double drawn(unsigned long *from) {
    *from = *from * 6364136223846793005UL + 1442695040888963407UL;
    return (double)(*from >> 40) / (1UL << 24);
}

static double part(const double *x, long from, long to, double scale, unsigned long *state) {
    double sum = 0.0;
    for (long i = from; i < to; i++) sum += x[i] * scale * drawn(state);
    return sum;
}

/* Chunks are fixed, and added in their order, so the right sum has the same bits for any team. */
double total(const double *x, long n, const char *defect) {
    enum { CHUNKS = 8 };
    double sums[CHUNKS];
    long size = n / CHUNKS;
    factor = 2.0;
    double scale = factor;
    state = 1;
    #pragma omp parallel for schedule(static, 1)
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        int thread = omp_get_thread_num();
        unsigned long own = chunk + 1;
        long from = chunk * size, to = from + size;
        if (defect[0] == 'e' && thread > 0) to -= 1;                 /* edge */
        double used = defect[0] == 'c' ? factor : scale;             /* configuration */
        unsigned long *stream = &own;
        unsigned long shared = thread + 1;
        if (defect[0] == 'g') stream = &shared;                      /* generator, by thread */
        sums[chunk] = part(x, from, to, used, stream);
        if (defect[0] == 'r' && thread == omp_get_num_threads() - 1 && thread > 0)
            sums[chunk] = 0.0;                                       /* reduction */
    }
    double sum = 0.0;
    for (int chunk = 0; chunk < CHUNKS; chunk++) sum += sums[chunk];
    return sum;
}

/* Work of some 20 ms, so that the time of native threads is seen. */
double busy(long n) {
    double sums[64] = {0};
    #pragma omp parallel for schedule(static, 1)
    for (int k = 0; k < 64; k++) {
        unsigned long own = k + 1;
        for (long i = 0; i < n; i++) sums[k] += drawn(&own);
    }
    double sum = 0.0;
    for (int k = 0; k < 64; k++) sum += sums[k];
    return sum;
}
"""

TEST = """
import ctypes
from pathlib import Path

import numpy as np
import pytest

native = ctypes.CDLL(str(Path(__file__).with_name("native.so")))
native.total.restype = native.busy.restype = ctypes.c_double
native.busy.argtypes = [ctypes.c_long]

@pytest.mark.parwork(inside="native", workers=[2, 3])
@pytest.mark.parametrize("defect", ["edge", "reduction", "configuration", "generator", "none"])
def test_total(defect):
    numbers = np.random.default_rng(1).random(4000)
    pointer = ctypes.c_void_p(numbers.ctypes.data)
    total = native.total(pointer, ctypes.c_long(len(numbers)), defect.encode())
    return total, native.busy(300_000)
"""


@pytest.mark.sweep
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_each_defect_is_found_on_native_threads(scratch: Scratch) -> None:
    pytest.importorskip("threadpoolctl")
    source = scratch.write("native.c", LIBRARY)
    command = ["cc", "-O1", "-fopenmp", "-shared", "-fPIC", "-o", "native.so", str(source)]
    built = subprocess.run(command, cwd=source.parent, capture_output=True, text=True, timeout=60)
    if "fopenmp" in built.stderr or "omp.h" in built.stderr:
        pytest.skip("needs a C compiler with OpenMP")
    assert built.returncode == 0, built.stderr
    scratch.write("test_it.py", TEST)
    session = scratch.run_apart(report=True)
    for workers in (2, 3):
        run = session.run("test_it.py::test_total", f"native-{workers}")
        assert {
            case["id"].partition("[")[2].partition("-")[0]: case["verdict"] for case in run["cases"]
        } == {
            "edge": "DIFFERENT",
            "reduction": "DIFFERENT",
            "configuration": "DIFFERENT",
            "generator": "DIFFERENT",
            "none": "EQUAL",
        }
        assert run["exercised"]
        for case in run["cases"]:  # the reference had one thread
            assert case["legs"]["reference"]["elsewhere"] < 0.1 * case["legs"]["reference"]["cpu"]
