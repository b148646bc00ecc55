"""Races that are simulated, over candidates whose true speeds are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulated_races import (
    Machine,
    SimulatedMeasurer,
    effects_space,
    names_space,
    simulate,
)

SIZES = {"memory": 2, "compiler": 2, "allocator": 6, "optimizer": 2}


def _measurer(space, log_cost, seed, **changes):
    return SimulatedMeasurer(space, log_cost, Machine(**changes), np.random.default_rng(seed))


def _random_costs(space, seed, pair_spread=0.03):
    """A random sum of effects of choices and of pairs of choices, as a function."""
    draw = np.random.default_rng(1000 + seed).normal
    main = [
        np.concatenate([[0.0], draw(-0.03, 0.12, len(axis.choices) - 1)]) for axis in space.axes
    ]
    count = len(space.axes)
    pairs = {
        (first, second): draw(
            0.0, pair_spread, (len(space.axes[first].choices), len(space.axes[second].choices))
        )
        for first in range(count)
        for second in range(first + 1, count)
    }

    def log_cost(point):
        total = sum(effects[index] for effects, index in zip(main, point, strict=True))
        return total + sum(
            effects[point[first], point[second]] for (first, second), effects in pairs.items()
        )

    return log_cost


def _loss(space, log_cost, race, result):
    winner = space.point(race.candidates[result.winner.candidate].choices)
    return 1 - math.exp(min(map(log_cost, space.points)) - log_cost(winner))


def test_ten_names_of_one_stack_cannot_be_told_apart():
    told_apart = 0
    for seed in range(40):
        race, result = simulate(_measurer(names_space(10), lambda _: 0.0, seed), 1200, seed)
        slower = [item for item in race.eliminations if item.kind == "slower"]
        told_apart += bool(slower) or not result.are_all_equal
    assert told_apart <= 2


def test_the_winner_is_as_fast_as_the_best_in_a_quarter_of_the_time_of_the_grid():
    space = effects_space(SIZES)
    losses = []
    for seed in range(20):
        log_cost = _random_costs(space, seed)
        race, result = simulate(_measurer(space, log_cost, seed), 700, seed)
        losses.append(_loss(space, log_cost, race, result))
        assert race.seconds < 720
    assert sum(loss < 0.03 for loss in losses) >= 19


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
    for seed in range(4):
        log_cost = _random_costs(space, seed, pair_spread=0.01)
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


@pytest.mark.parametrize("spread", [0.025, 0.045])
def test_statements_are_wrong_as_rarely_as_told(spread):
    """Intervals that miss the true ratio, and eliminations of the fastest."""
    wrong = 0
    for seed in range(30):
        space = effects_space({"first": 3, "second": 3})
        log_cost = _random_costs(space, seed)
        race, result = simulate(_measurer(space, log_cost, seed, launch_spread=spread), 900, seed)
        costs = [log_cost(space.point(candidate.choices)) for candidate in race.candidates]
        is_wrong = any(
            not ratio.interval[0]
            <= math.exp(costs[other] - costs[standing.candidate])
            <= ratio.interval[1]
            for standing in result.standings
            for ratio, other in (
                (standing.over_plain, 0),
                (standing.over_winner, result.winner.candidate),
            )
            if ratio is not None
        )
        best = min(costs)
        is_wrong |= any(
            item.kind == "slower" and costs[item.candidate] == best for item in race.eliminations
        )
        wrong += is_wrong
    assert wrong <= 4


def test_choices_with_which_everything_fails_are_not_tried_for_ever():
    space = effects_space({"first": 10, "second": 6})
    failing = frozenset(point for point in space.points if point[1] in {2, 3})
    measurer = _measurer(space, lambda point: 0.02 * point[0], 0)
    measurer.failing = failing
    race, result = simulate(measurer, 900, 0)
    failures = [item for item in race.eliminations if item.kind == "failed"]
    assert len(failures) <= 8 < len(failing)
    assert result.winner is not None


def test_too_little_time_still_names_who_is_ahead():
    space = effects_space(SIZES)
    race, result = simulate(_measurer(space, _random_costs(space, 1), 1), 60, 1)
    assert race.end == "budget"
    assert result.winner is not None
