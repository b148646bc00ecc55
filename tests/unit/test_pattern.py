"""Test how the steps that carry a slowdown are described."""

import math

import pytest

from traingate.gate.pattern import changed_steps, describe_steps

STEPS = 40
ERROR = 0.01


def effects(slow_indexes, size=0.5):
    """Return the changes of steps: those of the other steps scatter a little."""
    return [size * (index in slow_indexes) + 0.006 * math.sin(7 * index) for index in range(STEPS)]


@pytest.mark.parametrize(
    ("indexes", "words"),
    [
        (range(1, STEPS, 2), "every second step"),
        (range(2, STEPS, 3), "every third step"),
        (range(0, STEPS, 5), "every fifth step"),
        (range(7, STEPS, 10), "every tenth step"),
        (range(12, STEPS, 20), "every 20th step"),
        (range(0, STEPS, 13), "every 13th step"),
        ([3, 4, 5, 23, 24, 25], "bursts of 3 steps, one in 20 steps"),
        ([17], "1 of the 40 measured steps, the same one in each launch"),
        ([1, 2, 9, 30], "4 of the 40 measured steps, the same ones in each launch"),
    ],
)
def test_regular_places_are_named(indexes, words):
    assert changed_steps(effects(set(indexes)), ERROR) == words
    assert changed_steps([-effect for effect in effects(set(indexes))], ERROR) == words


def test_the_first_steps_of_an_epoch_are_named():
    assert describe_steps([4, 20, 36], STEPS, [4, 20, 36]) == "the first step of each epoch"
    first_two = [4, 5, 20, 21, 36, 37]
    assert describe_steps(first_two, STEPS, [4, 20, 36]) == "the first 2 steps of each epoch"
    assert describe_steps(first_two, STEPS, [4, 20]) == "bursts of 2 steps, one in 16 steps"


def test_one_missing_step_does_not_hide_a_regular_distance():
    assert changed_steps(effects(set(range(0, STEPS, 2)) - {8}), ERROR) == "every second step"


def test_a_change_of_all_steps_has_no_pattern():
    assert changed_steps([0.1] * STEPS, ERROR) is None
    assert changed_steps([0.1 + effect for effect in effects(set())], ERROR) is None


def test_steps_that_carry_less_than_most_of_the_change_are_not_named():
    uneven = [0.2 + effect for effect in effects({3, 13, 23, 33}, size=0.3)]
    assert changed_steps(uneven, ERROR) is None


def test_a_gap_that_the_error_of_a_step_explains_is_none():
    assert changed_steps(effects(set(range(0, STEPS, 5)), size=0.05), error=0.03) is None
    assert changed_steps(effects({3, 4, 20}, size=0.1), error=0.03) is None


@pytest.mark.parametrize(("period", "word"), [(2, "second"), (3, "third"), (5, "fifth")])
def test_periodic_steps_that_scatter_are_named_by_their_mean(period, word):
    indexes = set(range(1, STEPS, period))
    assert changed_steps(effects(indexes, size=0.1), error=0.03) == f"every {word} step"


def test_a_burst_in_which_measuring_begins_does_not_hide_a_regular_distance():
    indexes = {0, 1, 17, 18, 19, 37, 38, 39}
    assert changed_steps(effects(indexes), ERROR) == "bursts of 3 steps, one in 20 steps"
