import pytest

from traingate.gate.power import simulate_resolution
from traingate.records import Method


def test_less_scatter_resolves_smaller_slowdowns():
    quiet, noisy = (simulate_resolution(5.0, spread, Method.STEPS, 12) for spread in (0.01, 0.04))
    assert 5 < quiet.smallest_percent < noisy.smallest_percent
    assert quiet.pairs <= noisy.pairs
    assert quiet.pass_share > 0.99


def test_what_scatters_too_much_resolves_nothing():
    assert simulate_resolution(5.0, 0.6, Method.STEPS, 12).smallest_percent is None


@pytest.mark.parametrize("tolerance", [2.0, 5.0, 10.0])
def test_in_quiet_hours_twice_the_tolerance_is_found(tolerance):
    assert (
        simulate_resolution(tolerance, 0.005, Method.STEPS, 12).smallest_percent
        <= 2 * tolerance + 0.5
    )
