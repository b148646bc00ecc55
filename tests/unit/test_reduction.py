"""Test how launches and pairs are reduced to total times."""

import math

import numpy as np
import pytest

from simulated_launches import launch
from traingate.gate import reduction, step_table
from traingate.records import Pair


def pair(candidate, base, **fields):
    return Pair(
        candidate_step_seconds=tuple(candidate),
        base_step_seconds=tuple(base),
        steps_per_turn=1,
        log_ratio=0.0,
        **fields,
    )


def test_throughput_is_samples_by_total_time():
    """Follow the article, which divides the number of samples by the sum of the step times."""
    value, interval = reduction.throughput([launch([0.1, 0.1, 0.1, 0.5])], 32)
    assert value == pytest.approx(4 * 32 / 0.8)
    assert interval is None
    value, interval = reduction.throughput([launch([0.1]), launch([0.2])], 32)
    assert value == pytest.approx(math.sqrt(320 * 160))
    assert interval[0] < value < interval[1]


def test_a_slow_step_of_every_launch_counts_in_full():
    slow, plain = [0.1, 0.1, 0.5, 0.1], [0.1] * 4
    change = reduction.pairs_change([pair(slow, plain)] * 3)
    assert change.repeatable.value == pytest.approx(math.log(2))
    assert change.plain.value == pytest.approx(math.log(2))


def test_an_outlier_of_one_launch_moves_the_plain_total_only():
    steps = [0.1 + 0.001 * index for index in range(8)]
    other_steps = [0.1 + 0.001 * ((3 * index) % 8) for index in range(8)]
    outlier = [*steps[:-1], 2.0]
    pairs = [pair(steps, other_steps), pair(other_steps, steps), pair(outlier, other_steps)]
    change = reduction.pairs_change(pairs)
    assert abs(change.repeatable.value) < 0.02
    assert change.plain.value > 0.3


def test_exchanging_the_sides_changes_the_sign_of_the_change_only():
    rows = [[0.1, 0.3, 0.12, 0.1], [0.11, 0.28, 0.1, 0.3], [0.1, 0.31, 0.1, 0.11]]
    others = [[0.1, 0.1, 0.11, 0.12], [0.1, 0.1, 0.12, 0.1], [0.4, 0.1, 0.1, 0.1]]
    there = reduction.pairs_change(list(map(pair, rows, others)))
    back = reduction.pairs_change(list(map(pair, others, rows)))
    assert there.repeatable.value == pytest.approx(-back.repeatable.value)
    assert there.plain.value == pytest.approx(-back.plain.value)


def test_steps_are_matched_by_their_number_in_the_training():
    """Let the second pair take two more warm-up steps: its first step is the third of the first."""
    plain = [0.1] * 8
    slow = [0.5 if number % 4 == 0 else 0.1 for number in range(10)]
    pairs = [
        pair(slow[:8], plain, warmup_steps=1),
        pair(slow[2:], plain, warmup_steps=3),
        pair(slow[:8], plain, warmup_steps=1),
    ]
    effects = reduction.pairs_change(pairs).step_effects
    assert [effect > 1 for effect in effects] == [False, False, True, False, False, False]


def test_the_yardstick_cancels_the_speed_of_the_machine():
    fast, slow = launch([0.1] * 2), launch([0.1] * 2, machine=2.0)
    rows = reduction.relative_log_steps([fast, slow])
    assert rows[0] == pytest.approx(rows[1])
    change = reduction.launches_change([fast, fast], [slow, slow])
    assert change.repeatable.value == pytest.approx(0)
    measured = reduction.launches_change([fast, fast], [slow, slow], by_yardstick=False)
    assert measured.repeatable.value == pytest.approx(math.log(2))
    assert reduction.yardstick_log_shift([fast], [slow]) == pytest.approx(math.log(2))


def test_launches_that_took_turns_are_compared_by_the_yardstick():
    pairs = [pair([0.2] * 4, [0.1] * 4, candidate_yardstick=(2.0,) * 4, base_yardstick=(1.0,) * 4)]
    assert reduction.pairs_change(pairs * 3).plain.value == pytest.approx(0)


def test_quantiles_show_the_slowest_steps():
    steps = [0.1] * 95 + [0.9] * 5
    assert reduction.step_quantiles([launch(steps)]) == {
        "0.5": 0.1,
        "0.9": 0.1,
        "0.99": 0.9,
        "1": 0.9,
    }


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4, 6), (2, 3, 4)])
@pytest.mark.parametrize("axis", [-1, -2])
def test_medians_are_those_of_numpy(shape, axis):
    table = np.random.default_rng(0).normal(size=shape)
    expected = np.median(table, axis=axis, keepdims=True)
    assert np.array_equal(step_table._medians(table, axis), expected)
