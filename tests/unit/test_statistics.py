import itertools
import math
import random

import pytest

from traingate.gate import statistics as stats


def test_95_percent_intervals_cover_the_mean_in_95_percent_of_samples():
    generator = random.Random(7)
    samples = 4000
    covered = 0
    for _ in range(samples):
        low, high = stats.mean_interval([generator.gauss(1.0, 0.05) for _ in range(4)])
        covered += low <= 1.0 <= high
    assert 0.93 <= covered / samples <= 0.97


def test_the_interval_of_a_difference_matches_students_t_computed_by_hand():
    change = stats.two_sample_difference([1.0, 2.0, 3.0], [3.0, 4.0, 5.0])
    assert change.value == pytest.approx(2.0)
    assert change.standard_error == pytest.approx(math.sqrt(2 / 3))
    assert change.degrees_of_freedom == 4
    assert change.lower(0.025) == pytest.approx(2.0 - 2.776445 * math.sqrt(2 / 3), abs=1e-5)
    assert change.upper(0.025) == pytest.approx(2.0 + 2.776445 * math.sqrt(2 / 3), abs=1e-5)


def test_a_prior_is_weighted_by_its_degrees_of_freedom():
    change = stats.two_sample_difference([1.0, 2.0, 3.0], [3.0, 4.0, 5.0])
    moderated = change.moderated(stats.Prior(spread=2.0, degrees_of_freedom=4))
    assert moderated.value == change.value
    assert moderated.degrees_of_freedom == 8
    assert moderated.spread == pytest.approx(math.sqrt((4 * 4 + 4 * 1) / 8))
    assert moderated.standard_error == pytest.approx(moderated.spread * math.sqrt(2 / 3))


def test_equal_values_leave_the_difference_uncertain():
    change = stats.two_sample_difference([1.0, 1.0], [1.0, 1.0])
    assert change.lower(0.01) < 0 < change.upper(0.01)
    assert change.moderated(stats.Prior(0.03, 4)).upper(0.01) > 0.01


def test_a_single_value_gives_no_interval():
    assert stats.mean_interval([1.0]) is None
    change = stats.two_sample_difference([1.0], [2.0])
    assert (change.lower(0.01), change.upper(0.01)) == (-math.inf, math.inf)


@pytest.mark.parametrize("power", [0.5, 1, 3])
def test_the_looks_spend_the_whole_error_and_no_more(power):
    shares = [0, 3 / 8, 4 / 8, 6 / 8, 1]
    errors = [stats.error_spent(*pair, power) for pair in itertools.pairwise(shares)]
    assert sum(errors) == pytest.approx(1)
    assert all(error > 0 for error in errors)
