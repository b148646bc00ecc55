"""Count in how many simulated races anything that they say is wrong.

Run it as ``python benchmarks/validation/race_errors.py [--races 100]``. It prints the table of
docs/tuning.md: for several scatters of launches, the share of races that tell ten names of one
stack apart, and the share of races over candidates of known speeds in which any interval misses the
true ratio or the fastest candidate is eliminated as slower.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator

import numpy as np

from simulated_races import Machine, SimulatedMeasurer, effects_space, names_space, simulate
from traingate.races.answer import Answer
from traingate.races.space import Point, Space
from traingate.races.standings import Ratio
from traingate.records.race import PLAIN, Race

SPREADS = (0.025, 0.032, 0.045, 0.06, 0.1)
"""Standard deviations of launches of one stack, on the log scale."""

SECONDS = 900.0
"""Time of a race."""


def random_costs(space: Space, seed: int, pair_spread: float = 0.03) -> Callable[[Point], float]:
    """Return a random sum of effects of choices and of pairs of choices, as a function.

    Args:
        space: Space of the candidates.
        seed: Seed of the effects.
        pair_spread: Standard deviation of the effects of pairs, on the log scale.
    """
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

    def log_cost(point: Point) -> float:
        total = sum(effects[index] for effects, index in zip(main, point, strict=True))
        return float(total) + sum(
            float(effects[point[first], point[second]])
            for (first, second), effects in pairs.items()
        )

    return log_cost


def wrong_statements(
    space: Space, log_cost: Callable[[Point], float], race: Race, result: Answer
) -> list[str]:
    """Return the statements of a race that are wrong.

    Args:
        space: Space of the race.
        log_cost: True log time per sample of each candidate.
        race: Race.
        result: Its answer, with a winner.
    """
    costs = [log_cost(space.point(candidate.choices)) for candidate in race.candidates]
    wrong = [
        f"{name}: {math.exp(difference):.3f} is not in {ratio.interval}"
        for name, ratio, difference in _ratios(space, log_cost, race, result, costs)
        if not ratio.interval[0] <= math.exp(difference) <= ratio.interval[1]
    ]
    return wrong + [
        f"{item.candidate} was eliminated, and is the fastest"
        for item in race.eliminations
        if item.kind == "slower" and costs[item.candidate] == min(costs)
    ]


def _ratios(
    space: Space,
    log_cost: Callable[[Point], float],
    race: Race,
    result: Answer,
    costs: list[float],
) -> Iterator[tuple[str, Ratio, float]]:
    """Yield a name, the stated ratio and the log of the true ratio of each statement."""
    assert result.winner is not None
    winner = result.winner.candidate
    for standing in result.standings:
        for ratio, other in ((standing.over_plain, PLAIN), (standing.over_winner, winner)):
            if ratio is not None:
                yield f"{standing.candidate}", ratio, costs[other] - costs[standing.candidate]
    variants = space.without_each_choice(space.point(race.candidates[winner].choices))
    for item in result.contributions:
        if item.ratio is not None:
            yield item.axis, item.ratio, log_cost(variants[item.axis]) - costs[winner]


def tells_names_apart(seed: int, spread: float) -> bool:
    """Return whether a race tells ten names of one stack apart."""
    space = names_space(10)
    measurer = SimulatedMeasurer(
        space, lambda _: 0.0, Machine(launch_spread=spread), np.random.default_rng(seed)
    )
    race, result = simulate(measurer, SECONDS, seed)
    slower = [item for item in race.eliminations if item.kind == "slower"]
    return bool(slower) or not result.are_all_equal


def is_wrong(seed: int, spread: float) -> bool:
    """Return whether any statement of a race over candidates of known speeds is wrong."""
    space = effects_space({"first": 3, "second": 3})
    log_cost = random_costs(space, seed)
    measurer = SimulatedMeasurer(
        space, log_cost, Machine(launch_spread=spread), np.random.default_rng(seed)
    )
    race, result = simulate(measurer, SECONDS, seed)
    return bool(wrong_statements(space, log_cost, race, result))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=100)
    races = parser.parse_args().races
    sys.stdout.write(f"{'scatter':>8}  {'names told apart':>16}  {'anything wrong':>14}\n")
    for spread in SPREADS:
        told_apart = sum(tells_names_apart(seed, spread) for seed in range(races))
        wrong = sum(is_wrong(seed, spread) for seed in range(races))
        counts = f"{told_apart} of {races}", f"{wrong} of {races}"
        sys.stdout.write(f"{100 * spread:>6.1f} %  {counts[0]:>16}  {counts[1]:>14}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
