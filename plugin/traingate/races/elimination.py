"""Decide which candidates are slower than another one, with an error that all looks share. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from traingate.gate.statistics import t_quantile
from traingate.races.estimates import ELIMINATION_ERROR, Fit, launch_prior
from traingate.races.observations import heat_values, scatter_of_mean
from traingate.records.race import Heat, RaceLaunch


def error_of_heat(number: int) -> float:
    """Return the error that the looks in and after one heat may spend together.

    The errors of all heats, however many there are, add up to ``ELIMINATION_ERROR``. The first
    heats, which have the most to eliminate, spend the most.

    Args:
        number: Index of the heat, from 0.
    """
    return ELIMINATION_ERROR / ((number + 1) * (number + 2))


@dataclass(frozen=True)
class HeatLook:
    """Look at a heat while it is measured.

    Attributes:
        error: Error that this look may spend.
        spread: Standard deviation of a launch.
        degrees_of_freedom: Degrees of freedom of its t distribution.
        costs: Factor for a second of each candidate of the race.
        kept: Candidate that stays in any case, because it connects this heat with the others.
    """

    error: float
    spread: float
    degrees_of_freedom: int
    costs: Sequence[float]
    kept: int

    def slower(self, launches: Sequence[RaceLaunch]) -> dict[int, float]:
        """Return the candidates that are slower than the fastest one, with their ratios to it.

        Args:
            launches: Launches so far, at least one, each with a turn in every round.
        """
        heat = Heat(stage="search", rounds=0, launches=tuple(launches))
        values = heat_values(heat, self.costs)
        pairs = len(values) * (len(values) - 1) / 2
        if not pairs:
            return {}
        # Half of a launch scatters more than a whole one, from turn to turn.
        spread = math.hypot(self.spread, scatter_of_mean(launches) or self.spread)
        quantile = t_quantile(1 - self.error / pairs / 2, self.degrees_of_freedom)
        margin = quantile * math.sqrt(2) * spread
        best = min(values.values())
        return {
            candidate: math.exp(best - value)
            for candidate, value in values.items()
            if value - best > margin and candidate != self.kept
        }


def look_at_heat(
    estimates: Fit | None, number: int, looks: int, costs: Sequence[float], kept: int
) -> HeatLook:
    """Return a look at the heat *number*, which spends half of its error in its looks.

    Args:
        estimates: Estimates from the heats before; None before the first.
        number: Index of the heat.
        looks: Number of looks while it is measured.
        costs: Factor for a second of each candidate of the race.
        kept: Candidate that stays in any case.
    """
    prior = launch_prior(())
    return HeatLook(
        error=error_of_heat(number) / 2 / max(1, looks),
        spread=prior.spread if estimates is None else estimates.spread,
        degrees_of_freedom=(
            prior.degrees_of_freedom if estimates is None else estimates.degrees_of_freedom
        ),
        costs=costs,
        kept=kept,
    )


def slower_after_heat(estimates: Fit, number: int, alive: Mapping[int, object]) -> dict[int, float]:
    """Return the candidates that are slower than the fastest one, by all heats so far.

    Args:
        estimates: Estimates from all heats.
        number: Index of the last heat.
        alive: Candidates that have not ended.

    Returns:
        Their throughput divided by that of the fastest one, by candidate.
    """
    effects = {item: effect for item, effect in estimates.effects.items() if item in alive}
    if not effects:
        return {}
    fastest = min(effects, key=effects.__getitem__)
    count = len(estimates.effects)
    error = error_of_heat(number) / 2 / max(1.0, count * (count - 1) / 2)
    return {
        item: math.exp(-estimates.difference(fastest, item))
        for item in effects
        if item != fastest
        and estimates.difference(fastest, item) > estimates.half_width(fastest, item, error)
    }
