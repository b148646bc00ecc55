"""Test that the first steps after a stop get the wait for data that a script would have."""

import pytest

from traingate.controller.steps import Steps
from traingate.protocol.messages import Stepped


def steps_of(*waits, turn_starts=(0,)):
    """Return steps of one rank that compute for a second after these waits."""
    answers = tuple([Stepped(1.0 + wait, {"data": wait, "forward": 1.0}, False)] for wait in waits)
    return Steps(answers, turn_starts)


def waits(steps):
    return [step[0].phase_seconds["data"] for step in steps.answers]


def test_batches_that_were_loaded_during_a_stop_get_the_usual_wait():
    steps = steps_of(0.0, 3.0, 3.0, 0.0, 3.0, 3.0, turn_starts=(0, 3)).with_usual_waits(1)
    assert waits(steps) == [3.0] * 6
    assert steps.step_seconds == (4.0,) * 6


def test_data_workers_that_deliver_together_keep_their_total_wait():
    steps = steps_of(4.0, 0.0, 4.0, 0.0, 4.0, 0.0).with_usual_waits(2)
    assert waits(steps) == [4.0, 0.0, 4.0, 0.0, 4.0, 0.0]
    half_loaded = steps_of(2.0, 0.0, 4.0, 0.0, 4.0, 0.0).with_usual_waits(2)
    assert sum(waits(half_loaded)) == pytest.approx(12.0)


def test_longer_waits_after_a_stop_are_kept():
    steps = steps_of(5.0, 3.0, 3.0)
    assert steps.with_usual_waits(1) == steps


@pytest.mark.parametrize("data_workers", [0, 3])
def test_without_data_workers_or_later_steps_nothing_is_corrected(data_workers):
    steps = steps_of(0.0, 3.0, 3.0)
    assert steps.with_usual_waits(data_workers) == steps


def test_each_rank_gets_its_own_wait():
    answers = tuple(
        [Stepped(1.0 + wait, {"data": wait}, False), Stepped(1.0, {"data": 0.0}, False)]
        for wait in (0.0, 3.0, 3.0)
    )
    first_step, *_ = Steps(answers, (0,)).with_usual_waits(1).answers
    assert [rank.phase_seconds["data"] for rank in first_step] == [3.0, 0.0]
