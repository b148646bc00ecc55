import pytest

from traingate.controller.scales import SCALES
from traingate.controller.schedule import plan_heat, plan_rounds

UNIT = 0.015


@pytest.mark.parametrize("steps", [5, 20, 100, 2000])
@pytest.mark.parametrize("step_seconds", [0.001, 0.01, 0.13, 2.0, 40.0])
def test_every_step_is_taken_and_the_yardstick_takes_little_time(steps, step_seconds):
    rounds = plan_rounds(steps, step_seconds, UNIT)
    assert sum(rounds.steps_per_round) == steps
    assert max(rounds.steps_per_round) - min(rounds.steps_per_round) <= 1
    visits = len(rounds.steps_per_round) + 1
    yardstick_seconds = visits * rounds.repeats * UNIT
    assert yardstick_seconds <= 0.1 * steps * step_seconds or (visits, rounds.repeats) == (2, 1)


def test_long_steps_get_a_visit_each():
    assert plan_rounds(5, 2.0, UNIT).steps_per_round == (1, 1, 1, 1, 1)


def test_a_single_step_is_a_round():
    assert plan_rounds(1, 0.001, UNIT).steps_per_round == (1,)


@pytest.mark.parametrize(
    ("step_seconds", "steps"),
    [
        (0.0005, 2000),  # no more steps than give further information
        (0.01, 200),  # at least two seconds
        (0.13, 40),  # every 20th step twice
        (0.2, 20),
        (0.5, 12),  # as many as fit into 6 s
        (2.0, 5),
    ],
)
def test_a_launch_shows_slow_periods_as_far_as_its_steps_are_short(step_seconds, steps):
    assert SCALES["quick"].steps_for(step_seconds) == steps


def test_all_launches_of_a_heat_are_measured_for_about_the_same_time():
    step_seconds = [0.01, 0.1, 2.0, 2.0, 6.0]
    turns = plan_heat(step_seconds, [0] * 5, 6.0)
    times = [count * seconds for count, seconds in zip(turns.steps, step_seconds, strict=True)]
    assert min(times) == pytest.approx(2.0)
    assert turns.steps[-1] == 1
    assert turns.rounds == 4
