"""Test how many turns a pair of a duet has, and how many steps each turn."""

import pytest

from traingate.controller.schedule import Turns, plan_rounds, plan_turns


@pytest.mark.parametrize(
    ("step_seconds", "turns"),
    [
        (0.001, Turns(20, 100)),  # each turn takes a tenth of a second; the most rounds
        (0.1, Turns(20, 1)),
        (0.3, Turns(20, 1)),
        (0.31, Turns(10, 1)),  # whole periods of 20 steps that fit into 24 s
        (0.75, Turns(10, 1)),  # 20 steps, for every 20th step
        (1.5, Turns(10, 1)),
        (2.0, Turns(7, 1)),  # as many as fit into a minute
        (5.0, Turns(4, 1)),  # the fewest rounds
    ],
)
def test_short_steps_share_a_turn_and_long_ones_limit_the_rounds(step_seconds, turns):
    assert plan_turns(step_seconds, None) == turns


@pytest.mark.parametrize(("steps", "rounds"), [(1, 1), (4, 2), (100, 50)])
def test_a_fixed_number_of_steps_is_taken_in_turns_of_one_step(steps, rounds):
    assert plan_turns(0.001, steps) == Turns(rounds, 1)


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
@pytest.mark.parametrize("data_workers", [1, 2, 4, 8])
def test_few_steps_of_trainings_with_data_workers_show_the_usual_wait(data_workers, steps):
    assert plan_turns(0.1, steps, data_workers=data_workers).steps > data_workers
    assert min(plan_rounds(steps, 0.1, 0.015, data_workers).steps_per_round) > data_workers


@pytest.mark.parametrize("step_seconds", [0.002, 0.005, 0.01, 0.03])
@pytest.mark.parametrize("data_workers", [1, 2, 4])
def test_turns_of_trainings_with_data_workers_are_longer_than_their_queues(
    data_workers, step_seconds
):
    turns = plan_turns(step_seconds, None, data_workers=data_workers)
    assert turns.steps > 3 * data_workers
    assert 2 * turns.rounds * turns.steps >= 40
    # The first steps of turns are not always those of a period of slow steps.
    assert all(turns.steps % period for period in range(2, 21) if period != turns.steps)


@pytest.mark.parametrize(
    ("epoch_steps", "steps"), [(5, 40), (10, 40), (13, 26), (16, 32), (100, 40)]
)
def test_a_side_takes_whole_epochs_if_they_are_short(epoch_steps, steps):
    turns = plan_turns(0.1, None, epoch_steps)
    assert 2 * turns.rounds * turns.steps == steps
