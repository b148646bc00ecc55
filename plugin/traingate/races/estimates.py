"""Estimate the speed of candidates from the heats of a race. Pure, no I/O.

All candidates of a heat step in turn, so that they see the same machine. Heats differ in its speed.
Both are effects of a linear model: log(seconds per sample) = candidate + heat + launch.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from traingate.gate.statistics import Prior, t_quantile
from traingate.races.observations import (
    ALL_STAGES,
    Observation,
    observations,
    scatter_of_mean,
)
from traingate.records.race import Heat, Race, Stage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.floating[Any]]

BETWEEN_SPREAD: Final = 0.03
"""Standard deviation between launches of one stack in a heat that is assumed before any launch. On
shared 2-core machines, the log ratio of two launches in bare processes that took turns had one of
4.5 %, so that of a launch was 3.2 %, the scatter of its turns included."""

_PRIOR_DEGREES_OF_FREEDOM: Final = 6
"""Weight of that assumption. In a first heat no stack is measured twice, so nothing else is
known."""

_FINAL_PRIOR_DEGREES_OF_FREEDOM: Final = 12
"""Largest weight of the search's spread in the final, so that the final's own launches count."""

ELIMINATION_ERROR: Final = 0.01
"""Probability that a race eliminates, as slower, any candidate that is not slower than another."""

ROUGH_ERROR: Final = 0.01
"""Probability that an interval of a candidate outside of the final misses the true ratio."""

FINAL_ERROR: Final = 0.02
"""Probability that any interval of the final misses the true ratio."""

CONTRIBUTION_ERROR: Final = 0.01
"""Probability that any interval of a contribution misses the true ratio."""

STATED_ERROR: Final = ELIMINATION_ERROR + ROUGH_ERROR + FINAL_ERROR + CONTRIBUTION_ERROR
"""Probability that any statement of a race about two candidates is wrong."""


@dataclass(frozen=True)
class Fit:
    """Estimates of the candidates, relative to each other.

    Attributes:
        effects: Estimate of log(cost of a sample) of each candidate, up to a common constant.
        spread: Standard deviation of a launch, moderated by the prior.
        degrees_of_freedom: Degrees of freedom of its t distribution.
        launches: Number of launches of each candidate.
    """

    effects: Mapping[int, float]
    spread: float
    degrees_of_freedom: int
    launches: Mapping[int, int]
    _places: Mapping[int, int]
    _covariance: Array

    def difference(self, first: int, second: int) -> float:
        """Return by how much the log of the cost of *second* is larger than that of *first*."""
        return self.effects[second] - self.effects[first]

    def standard_error(self, first: int, second: int) -> float:
        """Return the standard error of ``difference``."""
        i, j = self._places[first], self._places[second]
        c = self._covariance
        return self.spread * math.sqrt(max(0.0, float(c[i, i] + c[j, j] - 2 * c[i, j])))

    def half_width(self, first: int, second: int, error: float) -> float:
        """Return the half-width of the two-sided t interval of ``difference``.

        Args:
            first: Candidate.
            second: Other candidate.
            error: Probability that the interval misses the true difference.
        """
        quantile = t_quantile(1 - error / 2, self.degrees_of_freedom)
        return quantile * self.standard_error(first, second)

    @property
    def fastest(self) -> int:
        """Return the candidate with the lowest estimate."""
        return min(self.effects, key=self.effects.__getitem__)


def launch_prior(heats: Sequence[Heat]) -> Prior:
    """Return the spread of a launch that is assumed before launches of one stack are compared.

    Launches that scatter more from turn to turn, or that have few turns, scatter more as a whole.

    Args:
        heats: Heats so far, none before the first.
    """
    within = [scatter for heat in heats if (scatter := scatter_of_mean(heat.launches)) is not None]
    spread = math.hypot(BETWEEN_SPREAD, statistics.median(within)) if within else BETWEEN_SPREAD
    return Prior(spread, _PRIOR_DEGREES_OF_FREEDOM)


def fit_race(race: Race, stages: Sequence[Stage] = ALL_STAGES) -> Fit | None:
    """Return the estimates from the launches of a race; None without any.

    Args:
        race: Race.
        stages: Stages whose heats count.
    """
    return fit(observations(race, stages), launch_prior(race.heats))


def fit_final(race: Race) -> Fit | None:
    """Return the estimates of the final; None if it has fewer than two heats.

    A candidate that failed in the final, or that one of its heats lacks, is left out.
    """
    heats = [heat for heat in race.heats if heat.stage == "final"]
    if len(heats) < _LEAST_FINAL_HEATS:
        return None
    common = set.intersection(*({launch.candidate for launch in heat.launches} for heat in heats))
    common -= race.failed
    items = [item for item in observations(race, ("final",)) if item.candidate in common]
    return fit(items, _final_prior(race)) if len(common) > 1 else None


def fit_contributions(race: Race) -> Fit | None:
    """Return the estimates from the final and the heats after it; None without any.

    All candidates of these heats belong to the family of pairs, since the final has chosen the
    winner among them.
    """
    stages: tuple[Stage, ...] = ("final", "contributions")
    items = [item for item in observations(race, stages) if item.candidate not in race.failed]
    return fit(items, _final_prior(race))


def _final_prior(race: Race) -> Prior:
    """Return the spread that is assumed in the final: that of the launches of the search.

    The final itself may have as few as two degrees of freedom.
    """
    search = fit_race(race, ("search",))
    if search is None:
        return launch_prior(race.heats)
    weight = min(search.degrees_of_freedom, _FINAL_PRIOR_DEGREES_OF_FREEDOM)
    return Prior(search.spread, weight)


_LEAST_FINAL_HEATS: Final = 2
"""Smallest number of heats between which launches of one stack scatter."""


def fit(items: Iterable[Observation], prior: Prior) -> Fit | None:
    """Return the least-squares estimates of the model; None without observations.

    The spread is moderated by the prior, as Smyth's moderated t (see ``gate.statistics``).
    Candidates that no heat connects with the one of the most launches are left out: nothing says
    whether they or their heats were slower.

    Args:
        items: Results of launches.
        prior: Spread that is assumed before any launch.
    """
    import numpy as np  # noqa: PLC0415 - only when a race is run

    from traingate.races.normal_equations import solve  # noqa: PLC0415 - numpy

    rows = _connected(list(items))
    if not rows:
        return None
    candidates = _places(row.candidate for row in rows)
    heats = _places(row.heat for row in rows)
    shares = np.zeros((len(candidates), len(heats)))
    values = np.array([row.value for row in rows])
    rows_of = [candidates[row.candidate] for row in rows], [heats[row.heat] for row in rows]
    np.add.at(shares, rows_of, 1.0)
    sums, heat_sums = np.zeros(len(candidates)), np.zeros(len(heats))
    np.add.at(sums, rows_of[0], values)
    np.add.at(heat_sums, rows_of[1], values)
    effects, heat_effects, covariance = solve(shares, sums, heat_sums)
    residuals = values - effects[rows_of[0]] - heat_effects[rows_of[1]]
    # Connected candidates and heats have one common constant that is free.
    free = len(rows) - (len(candidates) + len(heats) - 1)
    degrees_of_freedom = prior.degrees_of_freedom + free
    squares = prior.degrees_of_freedom * prior.spread**2 + float(residuals @ residuals)
    return Fit(
        effects=dict(zip(candidates, map(float, effects), strict=True)),
        spread=math.sqrt(squares / degrees_of_freedom),
        degrees_of_freedom=degrees_of_freedom,
        launches={item: int(shares[place].sum()) for item, place in candidates.items()},
        _places=candidates,
        _covariance=covariance,
    )


def _places(items: Iterable[int]) -> dict[int, int]:
    """Return the place of each number among all of them in their order."""
    return {item: place for place, item in enumerate(sorted(set(items)))}


def _connected(rows: Sequence[Observation]) -> list[Observation]:
    """Return the results of the candidates that share heats with the one of the most launches.

    They share them directly, or through other candidates.
    """
    if not rows:
        return []
    candidates = {Counter(row.candidate for row in rows).most_common(1)[0][0]}
    while True:
        heats = {row.heat for row in rows if row.candidate in candidates}
        reached = {row.candidate for row in rows if row.heat in heats}
        if reached == candidates:
            return [row for row in rows if row.candidate in candidates]
        candidates = reached


def launch_ratios(race: Race, reference: int) -> list[tuple[Observation, float]]:
    """Return each launch with its throughput divided by the estimate of a reference candidate.

    The speed of the machine in the launch's heat is taken out.

    Args:
        race: Race with at least one launch of the reference.
        reference: Index of that candidate.
    """
    estimates = fit_race(race)
    if estimates is None or reference not in estimates.effects:
        return []
    effects = estimates.effects
    items = [item for item in observations(race) if item.candidate in effects]
    by_heat: dict[int, list[float]] = {}
    for item in items:
        by_heat.setdefault(item.heat, []).append(item.value - effects[item.candidate])
    levels = {heat: math.fsum(values) / len(values) for heat, values in by_heat.items()}
    return [(item, math.exp(effects[reference] - item.value + levels[item.heat])) for item in items]


@functools.lru_cache(maxsize=256)
def tukey_quantile(error: float, candidates: int, degrees_of_freedom: int) -> float:
    """Return the quantile of the range of *candidates* means, divided by the square root of two.

    With unequal numbers of launches the intervals are a little too wide (Tukey and Kramer).

    Multiplied by the standard error of a difference, it is the half-width of the intervals of all
    pairwise differences, which hold at the same time (Tukey's honestly significant difference;
    Tukey, "The Problem of Multiple Comparisons", 1953).

    Args:
        error: Probability that any of the intervals misses the true difference.
        candidates: Number of candidates, at least two.
        degrees_of_freedom: Degrees of freedom of the spread.
    """
    from scipy.stats import studentized_range  # noqa: PLC0415 - takes a second to import

    quantile = studentized_range.ppf(1 - error, candidates, degrees_of_freedom)
    return float(quantile) / math.sqrt(2)
