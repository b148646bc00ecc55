import pytest

from traingate.gate.power import simulate_resolution
from traingate.records import Method


def test_less_scatter_resolves_smaller_slowdowns():
    little_scatter, much_scatter = (
        simulate_resolution(5.0, spread, Method.STEPS, 12) for spread in (0.01, 0.04)
    )
    assert 5 < little_scatter.smallest_percent < much_scatter.smallest_percent
    assert little_scatter.pairs <= much_scatter.pairs
    assert little_scatter.pass_share > 0.99


def test_with_too_much_scatter_no_slowdown_is_resolved():
    assert simulate_resolution(5.0, 0.6, Method.STEPS, 12).smallest_percent is None


@pytest.mark.parametrize("tolerance", [2.0, 5.0, 10.0])
def test_with_little_scatter_twice_the_tolerance_is_found(tolerance):
    assert (
        simulate_resolution(tolerance, 0.005, Method.STEPS, 12).smallest_percent
        <= 2 * tolerance + 0.5
    )
