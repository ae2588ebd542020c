"""`betamax_session` (betamax).

packages: betamax
"""

import betamax
import pytest

N = pytest.mark.parametrize("n", range(2))

with betamax.Betamax.configure() as config:
    config.cassette_library_dir = "."


@N
def test_it(n, betamax_session):
    return sorted(betamax_session.adapters)


@N
def test_fails(n, betamax_recorder):
    assert betamax_recorder.current_cassette == 7
