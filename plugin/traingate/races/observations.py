"""Reduce the launches of a race to one number each: the log of the cost of a sample. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from traingate.records.race import Heat, Objective, Race, RaceLaunch, Stage


class Observation(NamedTuple):
    """Result of one launch.

    Attributes:
        candidate: Index of the candidate.
        heat: Index of the heat.
        value: Logarithm of the cost of a sample: seconds, times the share of the machine if that is
            paid for.
    """

    candidate: int
    heat: int
    value: float


ALL_STAGES: Final[tuple[Stage, ...]] = ("search", "final", "contributions")
"""Stages of a race in their order."""


def observations(race: Race, stages: Sequence[Stage] = ALL_STAGES) -> list[Observation]:
    """Return the results of the launches of a race.

    Args:
        race: Race.
        stages: Stages whose heats count.
    """
    costs = _costs(race)
    return [
        Observation(candidate, number, value)
        for number, heat in enumerate(race.heats)
        if heat.stage in stages
        for candidate, value in heat_values(heat, costs).items()
    ]


def _costs(race: Race) -> list[float]:
    return [cost_of(race.objective, candidate.cost) for candidate in race.candidates]


def cost_of(objective: Objective, share: float) -> float:
    """Return the factor by which a second of a candidate counts.

    Args:
        objective: Quantity that the winner has the most of.
        share: Share of the machine that the candidate occupies.
    """
    return share if objective == "samples-per-dollar" else 1.0


def heat_values(heat: Heat, costs: Sequence[float]) -> dict[int, float]:
    """Return log(cost of a sample) of each launch of a heat, by candidate.

    A launch that was ended early has fewer rounds than others. It counts as if those that it has
    missed had changed it as they have changed the launches that took part in all of them.

    Args:
        heat: Heat.
        costs: Factor for a second of each candidate of the race.
    """
    rounds = max((len(launch.turn_seconds) for launch in heat.launches), default=0)
    complete = [launch for launch in heat.launches if len(launch.turn_seconds) == rounds]
    drift = [
        math.fsum(math.log(launch.turn_seconds[number]) for launch in complete) / len(complete)
        for number in range(rounds)
    ]
    mean_drift = math.fsum(drift) / max(1, rounds)
    return {
        launch.candidate: _log_seconds_per_sample(launch)
        - math.fsum(drift[: len(launch.turn_seconds)]) / len(launch.turn_seconds)
        + mean_drift
        + math.log(costs[launch.candidate])
        for launch in heat.launches
    }


def _log_seconds_per_sample(launch: RaceLaunch) -> float:
    """Return the natural logarithm of the seconds that one sample takes."""
    samples = len(launch.turn_seconds) * launch.steps_per_turn * launch.batch_size
    return math.log(math.fsum(launch.turn_seconds) / samples)


def scatter_of_mean(launches: Sequence[RaceLaunch]) -> float | None:
    """Return the standard error of the log of a launch's mean turn, by the scatter of its turns.

    The speed of the launches, and that of the machine in each round, are taken out.

    Args:
        launches: Launches of one heat.

    Returns:
        The standard error; None if fewer than two launches share two rounds.
    """
    rounds = max((len(launch.turn_seconds) for launch in launches), default=0)
    logs = [
        [math.log(second) for second in launch.turn_seconds]
        for launch in launches
        if len(launch.turn_seconds) == rounds
    ]
    free = max(0, rounds - 1) * max(0, len(logs) - 1)
    if free < 1:
        return None
    row_means = [math.fsum(row) / rounds for row in logs]
    column_means = [math.fsum(column) / len(logs) for column in zip(*logs, strict=True)]
    mean = math.fsum(row_means) / len(logs)
    squares = math.fsum(
        (value - row_mean - column_mean + mean) ** 2
        for row, row_mean in zip(logs, row_means, strict=True)
        for value, column_mean in zip(row, column_means, strict=True)
    )
    return math.sqrt(squares / free / rounds)
