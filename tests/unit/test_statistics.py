import itertools
import math
import random

import pytest

from simulated_launches import launch
from traingate.gate import statistics as stats


def test_intervals_cover_as_often_as_they_say():
    dice = random.Random(7)
    tries = 4000
    covered = 0
    for _ in range(tries):
        low, high = stats.mean_interval([dice.gauss(1.0, 0.05) for _ in range(4)])
        covered += low <= 1.0 <= high
    assert 0.93 <= covered / tries <= 0.97


def test_difference_matches_students_example_by_hand():
    change = stats.two_sample_difference([1.0, 2.0, 3.0], [3.0, 4.0, 5.0])
    assert change.value == pytest.approx(2.0)
    assert change.standard_error == pytest.approx(math.sqrt(2 / 3))
    assert change.degrees_of_freedom == 4
    assert change.lower(0.025) == pytest.approx(2.0 - 2.776445 * math.sqrt(2 / 3), abs=1e-5)
    assert change.upper(0.025) == pytest.approx(2.0 + 2.776445 * math.sqrt(2 / 3), abs=1e-5)


def test_a_prior_counts_by_its_degrees_of_freedom():
    change = stats.two_sample_difference([1.0, 2.0, 3.0], [3.0, 4.0, 5.0])
    moderated = change.moderated(stats.Prior(spread=2.0, degrees_of_freedom=4))
    assert moderated.value == change.value
    assert moderated.degrees_of_freedom == 8
    assert moderated.spread == pytest.approx(math.sqrt((4 * 4 + 4 * 1) / 8))
    assert moderated.standard_error == pytest.approx(moderated.spread * math.sqrt(2 / 3))


def test_equal_values_are_no_certainty():
    change = stats.two_sample_difference([1.0, 1.0], [1.0, 1.0])
    assert change.lower(0.01) < 0 < change.upper(0.01)
    assert change.moderated(stats.Prior(0.03, 4)).upper(0.01) > 0.01


def test_too_few_values_leave_everything_open():
    assert stats.mean_interval([1.0]) is None
    change = stats.two_sample_difference([1.0], [2.0])
    assert (change.lower(0.01), change.upper(0.01)) == (-math.inf, math.inf)


@pytest.mark.parametrize("power", [0.5, 1, 3])
def test_the_looks_spend_the_whole_error_and_no_more(power):
    shares = [0, 3 / 8, 4 / 8, 6 / 8, 1]
    spent = [stats.error_spent(*pair, power) for pair in itertools.pairwise(shares)]
    assert sum(spent) == pytest.approx(1)
    assert all(part > 0 for part in spent)


def test_rounds_are_divided_by_the_yardstick_around_them():
    """The machine slows down to half its speed in mid-launch; the ratio does not move."""
    quick, slow = launch([0.1] * 2), launch([0.1] * 2, machine=2.0)
    unit = stats.yardstick_unit([quick, slow])
    first, second = stats.log_step_times([quick, slow], unit)
    assert first == pytest.approx(second)


def test_rounds_of_several_steps_count_their_median():
    bursts = launch([0.1, 0.1, 5.0, 0.1, 0.1, 5.0], rounds=2)
    calm = launch([0.1] * 6, rounds=2)
    values = stats.log_step_times([bursts, calm], (0.012, 0.004))
    assert values[0] == pytest.approx(values[1])


def test_throughput_is_batch_by_median_step():
    value, interval = stats.throughput([launch([0.1, 0.1, 9.9])], 32)
    assert value == pytest.approx(320)
    assert interval is None
    value, interval = stats.throughput([launch([0.1]), launch([0.2])], 32)
    assert value == pytest.approx(math.sqrt(320 * 160))
    assert interval[0] < value < interval[1]
