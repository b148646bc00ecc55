"""Races that are simulated, over candidates whose true speeds are known."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

import race_proof
from race_errors import is_wrong, random_costs, tells_names_apart
from race_grid import Grid
from race_proof import NEAR, simulate_grid
from simulated_races import (
    Machine,
    SimulatedMeasurer,
    effects_space,
    simulate,
)
from traingate.races.running import HeatResult
from traingate.report.race import headline

RECORDED = Path(race_proof.__file__).with_name("recorded")

SIZES = {"memory": 2, "compiler": 2, "allocator": 6, "optimizer": 2}


def _measurer(space, log_cost, seed, **changes):
    return SimulatedMeasurer(space, log_cost, Machine(**changes), np.random.default_rng(seed))


def _loss(space, log_cost, race, result):
    winner = space.point(race.candidates[result.winner.candidate].choices)
    return 1 - math.exp(min(map(log_cost, space.points)) - log_cost(winner))


def test_ten_names_of_one_stack_cannot_be_told_apart():
    assert sum(tells_names_apart(seed, spread=0.032) for seed in range(40)) <= 1


def test_the_winner_is_as_fast_as_the_best_in_a_quarter_of_the_time_of_the_grid():
    space = effects_space(SIZES)
    losses = []
    for seed in range(20):
        log_cost = random_costs(space, seed)
        race, result = simulate(_measurer(space, log_cost, seed), 700, seed)
        losses.append(_loss(space, log_cost, race, result))
        assert race.seconds < 720
    assert sum(loss < 0.03 for loss in losses) >= 19


@pytest.mark.parametrize(
    ("model", "machine"),
    [
        (
            "resnet",
            Machine(
                launch_spread=0.011,
                turn_spread=0.032,
                start_seconds=5.4,
                turn_seconds=0.50,
                rounds=12,
            ),
        ),
        (
            "transformer",
            Machine(
                launch_spread=0.024,
                turn_spread=0.048,
                start_seconds=4.2,
                turn_seconds=0.21,
                rounds=18,
            ),
        ),
        (
            "vision_transformer",
            Machine(
                launch_spread=0.008,
                turn_spread=0.046,
                start_seconds=4.3,
                turn_seconds=0.15,
                rounds=20,
            ),
        ),
    ],
)
def test_races_over_a_recorded_grid_name_one_of_its_fastest_in_a_quarter_of_its_time(
    model, machine
):
    """Launches take as long, and scatter as much, as in the race of docs/tuning.md."""
    grid = msgspec.json.decode((RECORDED / f"{model}_grid.json").read_bytes(), type=Grid)
    losses = simulate_grid(grid, machine, 0.24 * grid.seconds, seeds=40)
    assert sum(loss <= NEAR for loss in losses) >= 38


def test_interactions_are_found_that_a_walk_along_the_axes_misses():
    """Two choices that only help together, each of which alone is slower."""
    space = effects_space({"first": 2, "second": 2, "third": 3, "fourth": 3})

    def log_cost(point):
        first, second = point[:2]
        return (0.08 if first != second else 0.0) - 0.3 * (first and second) + 0.05 * point[2]

    for seed in range(10):
        race, result = simulate(_measurer(space, log_cost, seed), 900, seed)
        assert _loss(space, log_cost, race, result) < 0.03


def test_the_time_does_not_grow_with_the_number_of_candidates():
    space = effects_space({**SIZES, "ranks": 6, "threads": 5, "pages": 2, "loading": 3, "nodes": 3})
    assert space.size > 20_000
    losses = []
    for seed in range(2):
        log_cost = random_costs(space, seed, pair_spread=0.01)
        race, result = simulate(_measurer(space, log_cost, seed), 1800, seed)
        winner = space.point(race.candidates[result.winner.candidate].choices)
        generator = np.random.default_rng(seed)
        others = [
            tuple(int(generator.integers(len(axis.choices))) for axis in space.axes)
            for _ in range(20_000)
        ]
        losses.append(1 - math.exp(min(map(log_cost, others)) - log_cost(winner)))
        assert race.seconds < 1900
    assert max(losses) < 0.05


@pytest.mark.parametrize("spread", [0.025, 0.045, 0.1])
def test_statements_are_wrong_as_rarely_as_told(spread):
    assert sum(is_wrong(seed, spread) for seed in range(30)) <= 2


def test_choices_with_which_everything_fails_are_not_tried_for_ever():
    space = effects_space({"first": 10, "second": 6})
    failing = frozenset(point for point in space.points if point[1] in {2, 3})
    measurer = _measurer(space, lambda point: 0.02 * point[0], 0)
    measurer.failing = failing
    race, result = simulate(measurer, 900, 0)
    failures = [item for item in race.eliminations if item.kind == "failed"]
    assert len(failures) <= 8 < len(failing)
    assert result.winner is not None


class InterruptedMeasurer(SimulatedMeasurer):
    """Measurer whose third heat of the final Ctrl-C ends in the middle of the leader's turn."""

    finals = 0

    def measure(self, plan, numbers, race, look, seconds):
        result = super().measure(plan, numbers, race, look, seconds)
        self.finals += plan.stage == "final"
        if self.finals < 3:
            return result
        launches = tuple(item for item in result.heat.launches if item.candidate != numbers[0])
        cut_heat = msgspec.structs.replace(result.heat, launches=launches)
        return HeatResult(cut_heat, was_interrupted=True)


def test_a_final_that_is_interrupted_keeps_its_leader():
    space = effects_space(SIZES)
    log_cost = random_costs(space, 3)
    measurer = InterruptedMeasurer(space, log_cost, Machine(), np.random.default_rng(3))
    race, result = simulate(measurer, 900, 3)
    assert race.end == "interrupted"
    assert [heat.stage for heat in race.heats].count("final") == 2
    leader = race.heats[-1].launches[0].candidate
    assert leader in {standing.candidate for standing in result.standings}
    assert _loss(space, log_cost, race, result) < 0.03


def test_a_race_whose_heats_all_fail_ends():
    space = effects_space(SIZES)
    measurer = _measurer(space, lambda _: 0.0, 0)
    measurer.failing = frozenset(space.points)
    race, result = simulate(measurer, 900, 0)
    assert race.end == "exhausted"
    assert result.winner is None
    assert race.seconds == measurer.seconds < 900


def test_one_candidate_alone_has_no_final():
    space = effects_space({"first": 4})
    measurer = _measurer(space, lambda _: 0.0, 0)
    measurer.failing = frozenset(space.points) - {space.plain}
    race, result = simulate(measurer, 900, 0)
    assert [heat.stage for heat in race.heats] == ["search"]
    assert race.end == "exhausted"
    assert headline(race, result).startswith("Only this one was measured")


def test_too_little_time_still_names_who_is_ahead():
    space = effects_space(SIZES)
    race, result = simulate(_measurer(space, random_costs(space, 1), 1), 60, 1)
    assert race.end == "budget"
    assert result.winner is not None
