"""Races in which candidates fail, are too large, or run out of memory."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from race_errors import random_costs
from simulated_races import Machine, SimulatedMeasurer, effects_space, plain_measurement, simulate
from traingate.errors import WorkerDiedError, WorkerKilledError, WorkloadError
from traingate.races.running import Failure
from traingate.report.race import headline
from traingate.tuning.failures import failures_of_heat
from traingate.tuning.memory import Shortage

SIZES = {"memory": 2, "compiler": 2, "allocator": 6, "optimizer": 2}


class UnsoundMeasurer(SimulatedMeasurer):
    """Measurer that finds after each heat that candidates with the second choice were unsound."""

    def measure(self, plan, numbers, race, look, seconds):
        result = super().measure(plan, numbers, race, look, seconds)
        unsound = [n for n, point in zip(numbers, plan.points, strict=True) if point[0]]
        result.failures += [Failure(number, "memory", "it is too large") for number in unsound]
        return result


@pytest.mark.parametrize("gain", [0.5, 1.2])
def test_a_choice_that_is_unsound_is_not_tried_for_ever_and_drops_no_sound_one(gain):
    space = effects_space({"batch": 2, "second": 4, "third": 4})

    def log_cost(point):
        return -gain * point[0] + 0.01 * point[1]

    measurer = UnsoundMeasurer(space, log_cost, Machine(), np.random.default_rng(0))
    race, result = simulate(measurer, 900, 0)
    assert len([item for item in race.eliminations if item.kind == "memory"]) <= 8
    assert "batch" not in race.candidates[result.winner.candidate].choices
    # The sound candidates differ by 3 % at most, which no heat can show.
    assert not [item for item in race.eliminations if item.kind == "slower"]


@pytest.mark.simulated
@pytest.mark.parametrize("launches", [2, 3])
def test_with_memory_for_a_few_launches_the_search_goes_on(launches):
    space = effects_space(SIZES)
    losses = []
    for seed in range(5):
        log_cost = random_costs(space, seed)
        machine = Machine(launches=launches, start_seconds=3.0)
        race, result = simulate(
            SimulatedMeasurer(space, log_cost, machine, np.random.default_rng(seed)), 900, seed
        )
        winner = space.point(race.candidates[result.winner.candidate].choices)
        losses.append(log_cost(winner) - min(map(log_cost, space.points)))
        assert len(race.measured) > 8
    assert sum(loss < 0.03 for loss in losses) >= 4


class ForgetfulMeasurer(SimulatedMeasurer):
    """Measurer whose first heat of the final lacks the leader, which the kernel has killed."""

    has_killed = False

    def measure(self, plan, numbers, race, look, seconds):
        result = super().measure(plan, numbers, race, look, seconds)
        if plan.stage == "final" and not self.has_killed:
            self.has_killed, result.lacks_launches = True, True
            self.leader = numbers[0]
        return result


def test_a_final_that_lacks_a_launch_is_measured_again():
    space = effects_space(SIZES)
    measurer = ForgetfulMeasurer(space, random_costs(space, 3), Machine(), np.random.default_rng(3))
    race, result = simulate(measurer, 900, 3)
    assert measurer.has_killed
    assert [heat.stage for heat in race.heats].count("final") >= 3
    assert measurer.leader in {standing.candidate for standing in result.standings}


def test_plain_can_win():
    space = effects_space({"first": 3, "second": 2})
    machine = Machine(launch_spread=0.02)
    measurer = SimulatedMeasurer(
        space, lambda point: 0.5 * sum(point), machine, np.random.default_rng(0)
    )
    race, result = simulate(measurer, 900, 0)
    assert race.end == "decided"
    assert headline(race, result) == "Fastest: plain"
    assert result.has_final


def _launch(number, error=None):
    """Return a launch of a heat that was ended by *error*, or that has succeeded."""
    return SimpleNamespace(
        number=number, error=error, finished=[], turns=[], steps_per_turn=1, job=Path()
    )


def _failures(errors, shortage, measured=()):
    heat = SimpleNamespace(launches=[_launch(n, error) for n, error in enumerate(errors)])
    numbers = list(range(len(errors)))
    race = SimpleNamespace(plain=plain_measurement(), measured=set(measured))
    return failures_of_heat(heat, numbers, race, None, shortage)


@pytest.mark.parametrize(
    "error",
    [
        WorkerKilledError("it was killed"),
        WorkerDiedError("launch 1 ended"),  # a launcher hides the signal
        WorkloadError("DefaultCPUAllocator: not enough memory"),
    ],
)
def test_no_candidate_is_to_blame_for_too_many_launches(error):
    assert _failures([None, error, None], Shortage.OF_MANY) == []
    (failure,) = _failures([None, error], Shortage.OF_FEW)
    assert failure.candidate == 1
    assert failure.reason.startswith("the machine ran out of memory: ")


def test_of_two_the_one_that_is_new_is_to_blame():
    killed = WorkerKilledError("it was killed")
    (failure,) = _failures([killed, None], Shortage.OF_FEW, measured=[0])
    assert failure.candidate == 1
    assert "ran out of memory" in failure.reason


def test_a_crash_without_a_shortage_is_the_fault_of_its_candidate():
    failures = _failures([None, WorkerDiedError("it ended"), WorkloadError("no")], Shortage.NONE)
    assert [failure.candidate for failure in failures] == [1, 2]
