"""Test how many turns a pair of a duet has, and how many steps each turn."""

import pytest

from traingate.controller.schedule import Turns, plan_turns


@pytest.mark.parametrize(
    ("step_seconds", "turns"),
    [
        (0.001, Turns(20, 100)),  # each turn takes a tenth of a second; the most rounds
        (0.1, Turns(20, 1)),
        (0.3, Turns(20, 1)),
        (0.31, Turns(10, 1)),  # whole periods of 20 steps that fit into 24 s
        (0.75, Turns(8, 1)),
        (1.5, Turns(4, 1)),
        (5.0, Turns(4, 1)),  # the fewest rounds
    ],
)
def test_short_steps_share_a_turn_and_long_ones_limit_the_rounds(step_seconds, turns):
    assert plan_turns(step_seconds, None) == turns


@pytest.mark.parametrize(("steps", "rounds"), [(1, 1), (4, 2), (100, 50)])
def test_a_fixed_number_of_steps_is_taken_in_turns_of_one_step(steps, rounds):
    assert plan_turns(0.001, steps) == Turns(rounds, 1)
