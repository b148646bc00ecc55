"""Test which changes of level are found, and which are scatter."""

from __future__ import annotations

import numpy as np
import pytest

from traingate.history.anchors import change_since
from traingate.history.levels import Ramp, find_changes, point_spread

SPREAD = 0.017


def noisy(levels, seed=1):
    errors = np.random.default_rng(seed).normal(0, SPREAD, len(levels))
    return [level + error for level, error in zip(levels, errors, strict=True)]


def changes(levels, **options):
    values = noisy(levels, **options)
    return find_changes(values, point_spread(values, [3] * len(values)))


def test_a_flat_series_has_no_change():
    assert [changes([0.0] * 60, seed=seed) for seed in range(50)] == [[]] * 50


@pytest.mark.parametrize("change", [-0.2, -0.1, 0.1])
def test_a_jump_is_found_at_its_commit(change):
    (jump,) = changes([0.0] * 12 + [change] * 12)
    assert jump.is_jump
    assert (jump.before, jump.after) == (11, 12)
    assert jump.change == pytest.approx(change, abs=3 * jump.standard_error)


def test_creep_is_one_change_and_not_several_jumps():
    steps = [-0.02 * number for number in range(1, 9)]
    (creep,) = changes([0.0] * 12 + steps + [steps[-1]] * 12)
    assert not creep.is_jump
    assert creep.before == pytest.approx(11, abs=2)
    assert creep.after == pytest.approx(19, abs=2)
    assert creep.change == pytest.approx(-0.16, abs=0.03)


def test_two_jumps_in_the_same_direction_are_not_creep():
    first, second = changes([0.0] * 12 + [-0.1] * 12 + [-0.2] * 12)
    assert (first.after, second.after) == (12, 24)


def test_a_loss_and_its_repair_are_two_jumps():
    first, second = changes([0.0] * 10 + [-0.15] * 5 + [0.0] * 10)
    assert first.change < 0 < second.change


def test_a_single_outlier_is_no_change():
    levels = [0.0] * 30
    levels[15] = -0.5
    assert changes(levels) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_few_points_have_no_change(count):
    assert find_changes([0.0] * count, SPREAD) == []


def test_points_without_scatter_are_no_error():
    assert find_changes([1.0] * 10, point_spread([1.0] * 10, [3] * 10)) == []


def since(values, anchor, ramps=()):
    return change_since(
        anchor, "first run", values, ramps=ramps, spread=SPREAD, tolerance_percent=5.0
    )


def test_the_levels_on_both_sides_of_a_jump_are_compared():
    values = [0.0] * 6 + [-0.2] * 6
    change = since(values, 2, [Ramp(5, 6, -0.2, 0.01)])
    assert change.change_percent == pytest.approx(100 * np.expm1(-0.2))
    assert change.is_loss


@pytest.mark.parametrize(("loss", "is_loss"), [(0.04, False), (0.12, True)])
def test_a_loss_is_told_where_the_interval_excludes_the_tolerance(loss, is_loss):
    values = [0.0] * 6 + [-loss] * 6
    assert since(values, 0, [Ramp(5, 6, -loss, 0.01)]).is_loss is is_loss


@pytest.mark.parametrize("place", [-1, -2])
def test_a_single_outlier_at_the_end_is_no_loss(place):
    values = noisy([0.0] * 12)
    values[place] -= 0.5
    spread = point_spread(values, [3] * len(values))
    change = change_since(
        0,
        "",
        values,
        ramps=find_changes(values, spread),
        spread=spread,
        tolerance_percent=5.0,
    )
    assert not change.is_loss


def test_a_second_ramp_begins_where_the_first_has_ended():
    creep = [-0.02 * number for number in range(1, 9)]
    levels = [0.0] * 10 + creep + [creep[-1]] * 8 + [creep[-1] - 0.2] * 10
    first, second = changes(levels)
    assert first.after <= second.before
    assert second.change == pytest.approx(-0.2, abs=0.03)
