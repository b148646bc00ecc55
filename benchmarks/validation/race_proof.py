"""Compare races with grids: the table of docs/tuning.md.

Run it as ``python benchmarks/validation/race_proof.py GRID RACE [RECORD]``, with the record of
``race_grid.py``, that of ``traingate tune`` over the same space, and optionally a record of
``race_duet.py``, in which the winners of both were measured in turn. It also simulates 200 races
over the recorded grid.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from race_grid import Grid
from simulated_races import Machine, SimulatedMeasurer, simulate
from traingate.races.answer import answer
from traingate.races.files import read_race
from traingate.races.space import Axis, Choice, Point, Space
from traingate.records.race import Race

SEEDS = 200

NEAR = 0.03
"""Loss of throughput up to which a winner counts as good."""

GRAPH_AXES = ("channels_last", "compiler")
"""Axes whose choices change the compiled graph of a model."""


def grid_space(grid: Grid) -> Space:
    """Return the space of a grid by its labels."""
    axes = (
        Axis(name, tuple(Choice(label) for label in labels)) for name, labels in grid.axes.items()
    )
    return Space(tuple(axes), {})


def log_costs(grid: Grid) -> dict[Point, float]:
    """Return the mean log time per sample of each candidate that was measured."""
    space = grid_space(grid)
    return {
        space.point(entry.choices): statistics.fmean(launch.value for launch in entry.launches)
        for entry in grid.entries
        if entry.launches
    }


def launch_spread(grid: Grid) -> float:
    """Return the pooled standard deviation of launches of one candidate."""
    variances = [
        statistics.variance(launch.value for launch in entry.launches)
        for entry in grid.entries
        if len(entry.launches) > 1
    ]
    return math.sqrt(statistics.fmean(variances))


def compile_seconds(grid: Grid) -> Callable[[Point], float]:
    """Return a function with the time of a compilation, the first time that its graph comes."""
    space = grid_space(grid)
    compiled: set[tuple[str, ...]] = set()
    times: Mapping[Point, float] = {
        space.point(entry.choices): max(
            0.0,
            entry.launches[0].first_step_seconds - 2 * entry.launches[0].step_seconds,
        )
        for entry in grid.entries
        if entry.launches and entry.choices.get("compiler")
    }

    def seconds(point: Point) -> float:
        labels = space.labels(point)
        names = [
            *GRAPH_AXES,
            *(("optimizer",) if labels.get("compiler") == "compiled_step" else ()),
        ]
        key = tuple(labels.get(name, "") for name in names)
        if key in compiled or point not in times:
            return 0.0
        compiled.add(key)
        return times[point]

    return seconds


def start_seconds(race: Race) -> float:
    """Return the time that a launch of a heat takes beside its turns and its first step."""
    launches = [launch for heat in race.heats for launch in heat.launches]
    busy = sum(launch.first_step_seconds + sum(launch.turn_seconds) for launch in launches)
    return (race.seconds - busy) / len(launches)


def simulate_grid(grid: Grid, race: Race, seconds: float) -> list[float]:
    """Return by how much the winner of each simulated race is slower than the best of the grid.

    Args:
        grid: Grid, whose means are taken for the truth.
        race: Race over the same space, for the times of heats.
        seconds: Time of a race.
    """
    space, costs = grid_space(grid), log_costs(grid)
    best, plain = min(costs.values()), costs[space.plain]
    failing = frozenset(point for point in space.points if point not in costs)
    machine = Machine(
        launch_spread=launch_spread(grid),
        start_seconds=start_seconds(race),
        turn_seconds=statistics.median(
            second for heat in race.heats for item in heat.launches for second in item.turn_seconds
        ),
    )
    losses = []
    for seed in range(SEEDS):
        measurer = SimulatedMeasurer(
            space,
            lambda point: costs[point] - plain,
            machine,
            np.random.default_rng(seed),
            compile_seconds(grid),
            failing,
        )
        simulated, result = simulate(measurer, seconds, seed)
        assert result.winner is not None
        winner = space.point(simulated.candidates[result.winner.candidate].choices)
        losses.append(1 - math.exp(best - costs[winner]))
    return losses


def main() -> None:
    """Print the row of one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("grid", type=Path)
    parser.add_argument("race", type=Path)
    options = parser.parse_args()
    grid = msgspec.json.decode(options.grid.read_bytes(), type=Grid)
    race = read_race(options.race)
    result = answer(race)
    assert result.winner is not None
    space, costs = grid_space(grid), log_costs(grid)
    best = min(costs, key=costs.__getitem__)
    winner = space.point(race.candidates[result.winner.candidate].choices)
    total = race.seconds + race.plain_seconds
    losses = simulate_grid(grid, race, race.seconds)
    near = statistics.fmean(loss <= NEAR for loss in losses)
    gain = math.exp(costs[space.plain] - costs[best])
    loss = 1 - math.exp(costs[best] - costs[winner])
    over_plain = result.winner.over_plain
    lines = [
        f"grid         {len(grid.entries)} candidates, {grid.seconds / 60:.1f} min",
        f"race         {total / 60:.1f} min, {100 * total / grid.seconds:.0f} % of that",
        f"grid's best  {space.labels(best)}, {gain:.2f} x plain",
        f"winner       {space.labels(winner)}, {over_plain and over_plain.value:.2f} x plain",
        f"by the grid  the winner is {100 * loss:.1f} % slower than the grid's best",
        f"simulated    {SEEDS} races: {100 * near:.1f} % within 3 %, "
        f"worst {100 * max(losses):.1f} %",
        f"scatter      launches {100 * launch_spread(grid):.1f} %",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
