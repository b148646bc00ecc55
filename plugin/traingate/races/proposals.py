"""Propose candidates to measure, by a model of how choices combine. Pure.

The model is a Gaussian process over the candidates: the log of the cost of a sample is a sum of
effects of the choices, of smaller effects of pairs of choices, and of an effect of the candidate
itself. So a measured candidate tells something about all that share choices with it, and
interactions are learned. Candidates are drawn by Thompson sampling (Thompson, Biometrika 25, 1933):
each with the probability that it is the fastest. Rasmussen and Williams, "Gaussian Processes for
Machine Learning" (2006), chapters 2 and 5.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from traingate.races.space import Point

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.floating[Any]]

_MAIN_SPREADS: Final = (0.03, 0.1, 0.3)
"""Standard deviations of the effects of choices, of which the likeliest is taken."""

_PAIR_SHARES: Final = (0.1, 0.3, 1.0)
"""Standard deviations of the effects of pairs of choices, as shares of that of choices."""

_OWN_SPREAD: Final = 0.02
"""Standard deviation of what is left to the candidate itself."""

_HEAT_SPREAD: Final = 1.0
"""Standard deviation of the effects of heats: as good as unknown."""

_DRAWS: Final = 256
"""Number of draws of the costs of all candidates."""

_DRAWN_POINTS: Final = 600
"""Largest number of candidates of which costs are drawn together."""

_JITTER: Final = 1e-9


class Result(NamedTuple):
    """Result of one launch.

    Attributes:
        point: Candidate.
        heat: Index of the heat.
        value: Logarithm of the cost of a sample.
    """

    point: Point
    heat: int
    value: float


@dataclass(frozen=True)
class _Spreads:
    """Standard deviations of the effects of the model."""

    main: float
    pair: float

    def kernel(self, first: Array, second: Array) -> Array:
        """Return the covariances of the costs of two lists of candidates."""
        return self.covariances(_shared_choices(first, second), first.shape[1])

    def covariances(self, shared: Array, axes: int) -> Array:
        """Return the covariances of candidates that share so many choices.

        With one variance for all axes, and one for all pairs of axes, they depend on nothing else.

        Args:
            shared: Number of choices that two candidates share.
            axes: Number of axes.
        """
        is_same = shared == axes
        pairs = shared * (shared - 1) / 2
        covariances: Array = self.main**2 * shared + self.pair**2 * pairs
        own: Array = _OWN_SPREAD**2 * is_same
        return covariances + own


@dataclass(frozen=True)
class Forecast:
    """Draws of the costs of candidates, given the results so far.

    Attributes:
        points: Candidates that were drawn.
        means: Expected log cost of each.
        draws: Array of shape ``[draws, points]``.
    """

    points: tuple[Point, ...]
    means: Array
    draws: Array

    def regret_probability(self, chosen: Point, tolerance: float) -> float:
        """Return the probability that another candidate is cheaper by more than a tolerance.

        Args:
            chosen: Candidate, one of ``points``.
            tolerance: Difference of log costs that does not matter.
        """
        own = self.draws[:, self.points.index(chosen)]
        return float(np.mean(own - self.draws.min(axis=1) > tolerance))

    def probability_within(self, tolerance: float) -> dict[Point, float]:
        """Return the probability of each candidate to be within a tolerance of the cheapest."""
        is_near = self.draws - self.draws.min(axis=1)[:, None] <= tolerance
        return dict(zip(self.points, map(float, is_near.mean(axis=0)), strict=True))

    def sample(self, count: int, excluded: Sequence[Point]) -> list[Point]:
        """Return up to *count* candidates, each the cheapest one of a draw.

        Args:
            count: Number of candidates.
            excluded: Candidates that are not returned.
        """
        chosen: list[Point] = []
        allowed = np.array([point not in excluded for point in self.points])
        for draw in self.draws:
            if len(chosen) == count or not allowed.any():
                break
            index = int(np.argmin(np.where(allowed, draw, np.inf)))
            chosen.append(self.points[index])
            allowed[index] = False
        return chosen


def forecast(
    results: Sequence[Result], pool: Sequence[Point], launch_spread: float, seed: int
) -> Forecast:
    """Return draws of the costs of the candidates in *pool*.

    Args:
        results: Results of launches, at least one.
        pool: Candidates, at least one; a large pool is cut to the most promising ones.
        launch_spread: Standard deviation of a launch.
        seed: Seed of the draws.
    """
    others = _array(pool)
    spreads, means, cross = _condition(results, others, launch_spread)
    variances = spreads.kernel(others[:1], others[:1])[0, 0] - np.sum(cross**2, axis=0)
    if len(pool) > _DRAWN_POINTS:
        optimistic = means - 2 * np.sqrt(np.maximum(variances, 0.0))
        measured = {result.point for result in results}
        optimistic[[index for index, point in enumerate(pool) if point in measured]] = -np.inf
        kept = np.sort(np.argsort(optimistic, kind="stable")[:_DRAWN_POINTS])
        others, means, cross = others[kept], means[kept], cross[:, kept]
        pool = [pool[index] for index in kept]
    covariance = spreads.kernel(others, others) - cross.T @ cross
    noise = np.random.default_rng(seed).standard_normal((_DRAWS, len(pool)))
    root = np.linalg.cholesky(covariance + _JITTER * np.eye(len(pool)))
    return Forecast(tuple(pool), means, means + noise @ root.T)


def expected_costs(
    results: Sequence[Result], pool: Sequence[Point], launch_spread: float
) -> list[float]:
    """Return the expected log cost of each candidate in *pool*.

    Args:
        results: Results of launches, at least one.
        pool: Candidates, at least one.
        launch_spread: Standard deviation of a launch.
    """
    _, means, _ = _condition(results, _array(pool), launch_spread)
    return [float(mean) for mean in means]


def _condition(
    results: Sequence[Result], others: Array, launch_spread: float
) -> tuple[_Spreads, Array, Array]:
    """Return the spreads, the expected costs of candidates, and what the results tell about them.

    Args:
        results: Results of launches.
        others: Candidates.
        launch_spread: Standard deviation of a launch.
    """
    points = _array([result.point for result in results])
    heats = np.array([result.heat for result in results])
    values = np.array([result.value for result in results])
    values = values - values.mean()
    nuisance = _HEAT_SPREAD**2 * (heats[:, None] == heats[None, :])
    nuisance = nuisance + launch_spread**2 * np.eye(len(values))
    spreads = _likeliest(points, values, nuisance)
    factor = np.linalg.cholesky(spreads.kernel(points, points) + nuisance)
    cross = np.linalg.solve(factor, spreads.kernel(points, others))
    return spreads, cross.T @ np.linalg.solve(factor, values), cross


def diverse(pool: Sequence[Point], count: int, given: Sequence[Point]) -> list[Point]:
    """Return up to *count* candidates that together tell the most about all choices.

    Each is the one whose cost is the least known, given the ones before.

    Args:
        pool: Candidates to choose from.
        count: Number of candidates.
        given: Candidates that will be measured in any case, at least one.
    """
    spreads = _Spreads(_MAIN_SPREADS[1], _MAIN_SPREADS[1] * _PAIR_SHARES[1])
    others = _array(pool)
    chosen = list(given)
    for _ in range(min(count, len(set(pool) - set(given)))):
        points = _array(chosen)
        known = spreads.kernel(points, points) + _OWN_SPREAD**2 * np.eye(len(chosen))
        cross = np.linalg.solve(np.linalg.cholesky(known), spreads.kernel(points, others))
        unknown = -np.sum(cross**2, axis=0)
        unknown[[index for index, point in enumerate(pool) if point in chosen]] = -np.inf
        chosen.append(pool[int(np.argmax(unknown))])
    return chosen[len(given) :]


def _likeliest(points: Array, values: Array, nuisance: Array) -> _Spreads:
    """Return the spreads under which the values are the likeliest (marginal likelihood)."""
    shared = _shared_choices(points, points)

    def likelihood(spreads: _Spreads) -> float:
        factor = np.linalg.cholesky(spreads.covariances(shared, points.shape[1]) + nuisance)
        whitened = np.linalg.solve(factor, values)
        return float(-whitened @ whitened / 2 - np.log(np.diag(factor)).sum())

    choices = itertools.product(_MAIN_SPREADS, _PAIR_SHARES)
    return max((_Spreads(main, main * share) for main, share in choices), key=likelihood)


def _shared_choices(first: Array, second: Array) -> Array:
    """Return the number of choices that each candidate of a list shares with each of another."""
    shared = np.zeros((len(first), len(second)))
    for axis in range(first.shape[1]):  # all at once would take the memory of each axis
        shared += first[:, None, axis] == second[None, :, axis]
    return shared


def _array(points: Sequence[Point]) -> Array:
    return np.array(points, dtype=np.float64).reshape(len(points), -1)
