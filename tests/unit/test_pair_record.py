"""Test the record of a pair whose sides took turns launch by launch."""

import msgspec
import pytest

from simulated_launches import launch
from traingate.controller.pair_record import pair_of_launches
from traingate.errors import BaselineError


def side(steps, **fields):
    return msgspec.structs.replace(launch(steps), **fields)


def test_only_steps_with_the_same_number_are_compared():
    base = side([1.0, 2.0, 3.0, 4.0], warmup_steps=3, phase_seconds={"data": (1.0, 2.0, 3.0, 4.0)})
    candidate = side([20.0, 30.0, 40.0, 50.0], warmup_steps=4, epoch_starts=(1,))
    pair = pair_of_launches(candidate, base)
    assert (pair.base_step_seconds, pair.candidate_step_seconds) == (
        (2.0, 3.0, 4.0),
        (20.0, 30.0, 40.0),
    )
    assert pair.base_phase_seconds == {"data": (2.0, 3.0, 4.0)}
    assert (pair.warmup_steps, pair.epoch_starts) == (4, (1,))
    assert len(pair.candidate_yardstick) == len(pair.base_yardstick) == 3


def test_sides_without_a_common_step_are_refused():
    with pytest.raises(BaselineError, match="share no step"):
        pair_of_launches(side([1.0] * 3, warmup_steps=1), side([1.0] * 3, warmup_steps=4))


def test_processes_that_could_not_be_stopped_are_counted():
    assert pair_of_launches(side([1.0], busy_visits=1), side([1.0], busy_visits=2)).busy_turns == 3
