"""`LogCapture`, `Replacer`, `TempDirectory` (testfixtures).

packages: testfixtures
note: it changes the whole process
"""

import logging
import os

import pytest
from testfixtures import LogCapture, Replacer, TempDirectory

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    with LogCapture() as log, Replacer() as replacer, TempDirectory() as folder:
        replacer.in_environ("EXAMPLE", str(n))
        logging.getLogger("example").warning("case %s", n)
        folder.write("x", b"1")
        return os.environ["EXAMPLE"], log.actual()


@N
def test_fails(n):
    with LogCapture() as log:
        logging.getLogger("example").warning("case %s", n)
    log.check(("example", "WARNING", "another"))
