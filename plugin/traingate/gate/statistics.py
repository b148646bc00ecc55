"""Compute differences and intervals from one number for each launch or pair. Pure, no I/O.

Launches, not steps, are the samples; ``reduction`` makes the numbers.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from traingate.records import Interval

_MIN_SPREAD: Final = 1e-9
"""Smallest standard deviation that is assumed, on the log scale. No clock resolves a smaller one,
so equal values do not prove a spread of 0."""


@dataclass(frozen=True)
class Prior:
    """Spread that is assumed before any launch.

    Attributes:
        spread: Standard deviation on the log scale.
        degrees_of_freedom: Weight of the assumption, in degrees of freedom.
    """

    spread: float
    degrees_of_freedom: int


SHOWN_ERROR: Final = 0.025
"""Probability on each side of the 95 % interval that users see."""


@dataclass(frozen=True)
class Difference:
    """Difference of two means on the log scale, with its uncertainty.

    Attributes:
        value: Mean of the second sample minus that of the first.
        standard_error: Standard error of ``value``; infinite without degrees of freedom.
        degrees_of_freedom: Degrees of freedom of its t distribution.
        spread: Standard deviation of single values, pooled over both samples.
    """

    value: float
    standard_error: float
    degrees_of_freedom: int
    spread: float

    def lower(self, error: float) -> float:
        """Return the bound that the true difference falls below with probability *error*."""
        if self.degrees_of_freedom < 1:
            return -math.inf
        return self.value + t_quantile(error, self.degrees_of_freedom) * self.standard_error

    def upper(self, error: float) -> float:
        """Return the bound that the true difference exceeds with probability *error*."""
        if self.degrees_of_freedom < 1:
            return math.inf
        return 2 * self.value - self.lower(error)

    @property
    def loss_interval(self) -> Interval:
        """Return the 95 % interval that is shown, as losses of throughput in percent."""
        return loss_percent(self.lower(SHOWN_ERROR)), loss_percent(self.upper(SHOWN_ERROR))

    def moderated(self, prior: Prior) -> Difference:
        """Return this difference with its spread moderated by a prior.

        Smyth's moderated t (G. K. Smyth, Statistical Applications in Genetics and Molecular
        Biology 3, 2004): the variance is the mean of the sample's and the prior's, weighted by
        their degrees of freedom, and the t distribution has the sum of these.
        """
        degrees_of_freedom = self.degrees_of_freedom
        if degrees_of_freedom < 1:
            return self
        variance = (
            prior.degrees_of_freedom * prior.spread**2 + degrees_of_freedom * self.spread**2
        ) / (prior.degrees_of_freedom + degrees_of_freedom)
        spread = math.sqrt(variance)
        return Difference(
            self.value,
            standard_error=self.standard_error / self.spread * spread,
            degrees_of_freedom=degrees_of_freedom + prior.degrees_of_freedom,
            spread=spread,
        )


@dataclass(frozen=True)
class Change:
    """Change of the total time of a training, on the log scale.

    Attributes:
        repeatable: Difference of total times in which single outliers are clipped (see
            ``step_table``): the change that the launches have in common.
        plain: Difference of total times as they were measured.
        step_effects: Change of each step; empty if single steps are not known.
        step_effects_error: Standard error of one of the step effects.
    """

    repeatable: Difference
    plain: Difference
    step_effects: tuple[float, ...] = ()
    step_effects_error: float = 0.0


def two_sample_difference(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Return the difference ``second - first`` of two means, with one variance for both samples.

    The variance is pooled (Student, Biometrika 6, 1908) rather than kept apart as in Welch's
    form, because two or three baseline launches allow no more: both samples come from the same
    machine and the same kind of launch.
    """
    degrees_of_freedom = len(first) + len(second) - 2
    value = statistics.fmean(second) - statistics.fmean(first)
    if degrees_of_freedom < 1:
        return Difference(value, math.inf, 0, math.inf)
    squares = _squared_deviations(first) + _squared_deviations(second)
    spread = max(math.sqrt(squares / degrees_of_freedom), _MIN_SPREAD)
    error = spread * math.sqrt(1 / len(first) + 1 / len(second))
    return Difference(value, error, degrees_of_freedom, spread)


def paired_difference(log_ratios: Sequence[float]) -> Difference:
    """Return the mean of the log ratios of pairs, as a difference with its uncertainty."""
    count = len(log_ratios)
    value = statistics.fmean(log_ratios)
    if count < 2:  # noqa: PLR2004 - one value has no spread
        return Difference(value, math.inf, 0, math.inf)
    spread = max(math.sqrt(_squared_deviations(log_ratios) / (count - 1)), _MIN_SPREAD)
    return Difference(value, spread / math.sqrt(count), count - 1, spread)


def _squared_deviations(values: Sequence[float]) -> float:
    """Return the sum of squared deviations from the mean.

    ``statistics.stdev`` computes with fractions and takes forty times as long, which simulations
    and long histories would notice.
    """
    mean = statistics.fmean(values)
    return math.fsum((value - mean) ** 2 for value in values)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Return Student's t interval of the mean; None for fewer than two values."""
    if len(values) < 2:  # noqa: PLR2004 - one value has no spread
        return None
    centre = statistics.fmean(values)
    half_width = t_quantile((1 + confidence) / 2, len(values) - 1) * math.sqrt(
        statistics.variance(values) / len(values)
    )
    return centre - half_width, centre + half_width


@lru_cache(maxsize=1024)  # simulations ask for the same few of them millions of times
def t_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Return a quantile of Student's t distribution."""
    from scipy.special import stdtrit  # noqa: PLC0415 - a third of a second, only when needed

    return float(stdtrit(degrees_of_freedom, probability))


def error_spent(share_before: float, share_now: float, power: float) -> float:
    """Return the fraction of an error that one look may spend.

    Each look is another chance of a wrong verdict, so all looks share one error. After a share
    ``t`` of the launches, ``t ** power`` of it is spent (power family of spending functions; K. Kim
    and D. L. DeMets, Biometrika 74, 1987): a power above 1 saves it for late looks, one below 1
    spends it early. Each look uses its own part alone (Bonferroni), which is conservative.

    Args:
        share_before: Share of all launches at the look before; 0 at the first look.
        share_now: Share of all launches at this look; 1 at the last look.
        power: Exponent of the spending function, above 0.
    """
    return float(share_now**power - share_before**power)


def loss_percent(log_ratio: float) -> float:
    """Return the loss of throughput, in percent, of steps ``exp(log_ratio)`` times as long."""
    return 100 * (1 - math.exp(-log_ratio))


def log_factor(loss_percent: float) -> float:
    """Return the log of the factor by which steps are longer at this loss, in percent."""
    return -math.log(1 - loss_percent / 100)
