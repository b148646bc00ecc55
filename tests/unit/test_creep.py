"""Test the promises on small losses that add up, by simulation."""

import pytest

import creep


def test_eight_losses_of_two_percent_are_found_and_a_hundred_flat_commits_raise_no_alarm():
    found, false = creep.history_shares(0.03, 200)
    assert found >= 0.99
    assert false <= 0.01


@pytest.mark.parametrize(("loss", "low", "high"), [(0.0, 0.0, 0.0001), (14.9, 0.99, 1.0)])
def test_the_anchor_of_the_gate_finds_them_and_raises_no_alarm(loss, low, high):
    assert low <= creep.anchor_share("quiet", loss, 1000) <= high
