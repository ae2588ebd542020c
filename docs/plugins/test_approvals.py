"""`verify` (approvaltests).

packages: approvaltests
files: test_approvals.test_it.0.approved.txt=text test_approvals.test_it.1.approved.txt=text test_approvals.test_fails.0.approved.txt=text test_approvals.test_fails.1.approved.txt=text
"""

import pytest
from approvaltests import verify
from approvaltests.namer.default_namer_factory import NamerFactory
from approvaltests.reporters import PythonNativeReporter

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    verify("text", options=NamerFactory.with_parameters(n).with_reporter(PythonNativeReporter()))
    return n


@N
def test_fails(n):
    verify("other", options=NamerFactory.with_parameters(n).with_reporter(PythonNativeReporter()))
