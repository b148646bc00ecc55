"""Compare races with grids: the table of docs/tuning.md.

Run it as ``python benchmarks/validation/race_proof.py GRID RACE``, with the record of
``race_grid.py`` and that of ``traingate tune`` over the same space. It also simulates 200 races
over the recorded grid, and 200 over the same grid on a machine with many cores: there each
candidate can run with several ranks and on several parts of the cores too. These gains are drawn,
since no such machine was at hand.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import math
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from race_grid import Grid
from simulated_races import Machine, SimulatedMeasurer, simulate
from traingate.gate.statistics import Prior
from traingate.races.answer import answer
from traingate.races.estimates import fit
from traingate.races.files import read_race
from traingate.races.observations import observations, scatter_of_mean
from traingate.races.space import Axis, Choice, Point, Space
from traingate.records.race import Race

SEEDS = 200

NEAR = 0.03
"""Loss of throughput up to which a winner counts as good."""

CORE_AXES = {
    "ranks": ("1 rank", "2 ranks", "4 ranks", "8 ranks", "one for each L3"),
    "cores": ("all cores", "one node", "half of each node"),
}
"""Axes that a machine with many cores and two NUMA nodes adds."""

CORE_EFFECT = 0.15
"""Standard deviation of the effects of these choices on the log time."""

CORE_INTERACTION = 0.02
"""Standard deviation of their effects together with another choice."""

GRAPH_AXES = ("precision", "channels_last", "compiler")
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


def many_cores(
    space: Space, costs: Mapping[Point, float], generator: np.random.Generator
) -> tuple[Space, dict[Point, float]]:
    """Return the space and the log times with the axes that a machine with many cores adds.

    Each choice of the ranks and of the cores has a drawn effect, and one with each choice of the
    grid, so that the fastest number of ranks can depend on the compiler.
    """
    axes = tuple(
        Axis(name, tuple(Choice(label) for label in labels)) for name, labels in CORE_AXES.items()
    )
    shape = [len(axis.choices) for axis in axes]
    effects = [generator.normal(0.0, CORE_EFFECT, size) for size in shape]
    pairs = generator.normal(0.0, CORE_INTERACTION, shape)
    with_grid = [
        [generator.normal(0.0, CORE_INTERACTION, (len(axis.choices), size)) for axis in space.axes]
        for size in shape
    ]
    for effect in effects:
        effect[0] = 0.0
    wide_costs = {}
    for point, cost in costs.items():
        for cores in itertools.product(*map(range, shape)):
            total = cost + float(pairs[cores])
            for index, effect, matrices in zip(cores, effects, with_grid, strict=True):
                total += float(effect[index])
                total += sum(
                    float(matrix[choice, index])
                    for matrix, choice in zip(matrices, point, strict=True)
                )
            wide_costs[(*point, *cores)] = total
    return Space((*space.axes, *axes), {}), wide_costs


def graph_of(space: Space, point: Point) -> str:
    """Return a name for the graph that a candidate compiles; empty if it compiles none.

    Args:
        space: Space of the grid.
        point: Candidate of it, or of the same space with further axes.
    """
    labels = space.labels(point[: len(space.axes)])
    if labels.get("compiler") in {None, "ipex_optimize"}:
        return ""
    has_optimizer = labels["compiler"] == "compiled_step"
    names = [*GRAPH_AXES, *(("optimizer",) if has_optimizer else ())]
    return " ".join([*(labels.get(name, "") for name in names), str(point[len(space.axes) :])])


def compile_seconds(grid: Grid, space: Space) -> dict[str, float]:
    """Return the time of each compilation, by the name of the graph.

    Args:
        grid: Grid.
        space: Space of the grid, or the same one with further axes.
    """
    own_space = grid_space(grid)
    times = {
        own_space.point(entry.choices): max(
            0.0, entry.launches[0].first_step_seconds - 2 * entry.launches[0].step_seconds
        )
        for entry in grid.entries
        if entry.launches
    }
    return {
        graph_of(own_space, point): times[point[: len(own_space.axes)]]
        for point in space.points
        if point[: len(own_space.axes)] in times and graph_of(own_space, point)
    }


def start_seconds(race: Race) -> float:
    """Return the time that a launch of a heat takes beside its turns and its first step."""
    launches = [launch for heat in race.heats for launch in heat.launches]
    busy = sum(launch.first_step_seconds + sum(launch.turn_seconds) for launch in launches)
    return (race.seconds - busy) / len(launches)


def race_spread(race: Race) -> float:
    """Return the standard deviation of launches of one candidate that share heats with others.

    Launches of the grid were measured one after the other, so that theirs has the drift of the
    machine in it, which the launches of a heat share.
    """
    estimates = fit(observations(race), Prior(0.0, 0))
    assert estimates is not None  # a final has several heats
    return estimates.spread


def turn_spread_of(race: Race) -> tuple[float, int]:
    """Return the standard deviation of the log of a turn within its launch, and usual rounds."""
    rounds = [heat.rounds for heat in race.heats]
    scatters = [
        scatter * math.sqrt(heat.rounds)
        for heat in race.heats
        if (scatter := scatter_of_mean(heat.launches)) is not None
    ]
    return statistics.median(scatters), int(statistics.median(rounds))


def machine_of(race: Race) -> Machine:
    """Return a machine on which launches take as long, and scatter as much, as in a race."""
    turn_spread, rounds = turn_spread_of(race)
    return Machine(
        # Launches scatter by their turns too.
        launch_spread=math.sqrt(max(1e-6, race_spread(race) ** 2 - turn_spread**2 / rounds)),
        turn_spread=turn_spread,
        rounds=rounds,
        start_seconds=start_seconds(race),
        turn_seconds=statistics.median(
            second for heat in race.heats for item in heat.launches for second in item.turn_seconds
        ),
    )


def simulate_grid(
    grid: Grid,
    machine: Machine,
    seconds: float,
    *,
    seeds: int = SEEDS,
    on_many_cores: bool = False,
) -> list[float]:
    """Return by how much the winner of each simulated race is slower than the best of the grid.

    Args:
        grid: Grid, whose means are taken for the truth.
        machine: Machine on which the races are run.
        seconds: Time of a race.
        seeds: Number of races.
        on_many_cores: True to add the axes of a machine with many cores.
    """
    space, recorded_costs = grid_space(grid), log_costs(grid)
    losses = []
    for seed in range(seeds):
        generator = np.random.default_rng(seed)
        raced_space, costs = space, recorded_costs
        if on_many_cores:
            raced_space, costs = many_cores(space, recorded_costs, generator)
        plain = costs[raced_space.plain]
        relative_costs = {point: cost - plain for point, cost in costs.items()}
        measurer = SimulatedMeasurer(
            raced_space,
            relative_costs.__getitem__,
            machine,
            generator,
            functools.partial(graph_of, space),
            compile_seconds(grid, raced_space),
            frozenset(raced_space.points) - costs.keys(),
        )
        simulated, result = simulate(measurer, seconds, seed)
        assert result.winner is not None
        winner = raced_space.point(simulated.candidates[result.winner.candidate].choices)
        losses.append(1 - math.exp(min(costs.values()) - costs[winner]))
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
    gain = math.exp(costs[space.plain] - costs[best])
    loss = 1 - math.exp(costs[best] - costs[winner])
    over_plain = result.winner.over_plain
    machine = machine_of(race)
    races = simulate_grid(grid, machine, race.seconds)
    races_on_many_cores = simulate_grid(grid, machine, race.seconds, on_many_cores=True)
    lines = [
        f"grid         {len(grid.entries)} candidates, {grid.seconds / 60:.1f} min",
        f"race         {total / 60:.1f} min, {100 * total / grid.seconds:.0f} % of that",
        f"grid's best  {space.labels(best)}, {gain:.2f} x plain",
        f"winner       {space.labels(winner)}, {over_plain and over_plain.value:.2f} x plain",
        f"by the grid  the winner is {100 * loss:.1f} % slower than the grid's best",
        f"scatter      launches {100 * launch_spread(grid):.1f} %, "
        f"of the race {100 * race_spread(race):.1f} %",
        f"simulated    {summary(races)}",
        f"many cores   {summary(races_on_many_cores)}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def summary(losses: list[float]) -> str:
    """Return how near to the best the winners of simulated races are."""
    near = statistics.fmean(loss <= NEAR for loss in losses)
    return (
        f"{len(losses)} races: {100 * near:.1f} % within {100 * NEAR:.0f} % of the best, "
        f"worst {100 * max(losses):.1f} %"
    )


if __name__ == "__main__":
    main()
