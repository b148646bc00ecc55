"""Reduce launches and pairs to numbers with intervals. Pure, no I/O.

Launches, not steps, are the samples.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from traingate.records import Interval, Launch

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


@dataclass(frozen=True)
class Difference:
    """Difference of two means on the log scale, with its uncertainty.

    Attributes:
        value: Mean of the second sample minus that of the first.
        standard_error: Standard error of ``value``; infinite without degrees of freedom.
        degrees_of_freedom: Degrees of degrees_of_freedom of its t distribution.
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
        return replace(
            self,
            standard_error=self.standard_error / self.spread * math.sqrt(variance),
            spread=math.sqrt(variance),
            degrees_of_freedom=degrees_of_freedom + prior.degrees_of_freedom,
        )


# From launches and pairs to one number each.


def log_step_times(launches: Sequence[Launch], unit: tuple[float, float]) -> list[float]:
    """Return the median over rounds of log(step / yardstick), for each launch.

    Args:
        launches: Launches with the visits of the yardstick.
        unit: Seconds of GEMM and of triad that are the units of the yardstick, the same for all
            launches of a comparison (see ``yardstick_unit``).

    Returns:
        One number per launch, in log seconds. The yardstick of a round is the mean of the
        visits before and after it, each the mean of the times of GEMM and triad in these units. If
        the machine slows down for a moment, both slow down, and the ratio stays the same.
    """
    gemm_unit, triad_unit = unit
    values = []
    for launch in launches:
        visits = [
            math.log((gemm / gemm_unit + triad / triad_unit) / 2)
            for gemm, triad in zip(launch.gemm_seconds, launch.triad_seconds, strict=True)
        ]
        rounds = []
        start = 0
        for number, steps in enumerate(launch.steps_per_round):
            step = statistics.median(launch.step_seconds[start : start + steps])
            rounds.append(math.log(step) - (visits[number] + visits[number + 1]) / 2)
            start += steps
        values.append(statistics.median(rounds))
    return values


def yardstick_unit(launches: Sequence[Launch]) -> tuple[float, float]:
    """Return the median seconds of GEMM and triad over all visits of *launches*."""
    return (
        statistics.median(second for launch in launches for second in launch.gemm_seconds),
        statistics.median(second for launch in launches for second in launch.triad_seconds),
    )


def launch_log_ratio(candidate: Launch, base: Launch) -> float:
    """Return the log ratio of a pair whose launches took turns, each relative to the yardstick."""
    unit = yardstick_unit((candidate, base))
    log_candidate, log_base = log_step_times((candidate, base), unit)
    return log_candidate - log_base


def round_log_ratios(
    candidate: Sequence[float], base: Sequence[float], steps_per_turn: int
) -> list[float]:
    """Return log(candidate / base) for each round of a pair whose steps took turns.

    Args:
        candidate: Seconds of each step of the candidate, two turns per round.
        base: Seconds of each step of the base, as many.
        steps_per_turn: Number of steps in a turn; their median is the turn's step.

    Returns:
        One number per round: the mean over the two turns of each side. In the order A B B A, a
        drift that is even across the round affects both sides alike.
    """
    turns = [
        [
            math.log(statistics.median(side[start : start + steps_per_turn]))
            for start in range(0, len(side), steps_per_turn)
        ]
        for side in (candidate, base)
    ]
    differences = [log_candidate - log_base for log_candidate, log_base in zip(*turns, strict=True)]
    return [
        (first + second) / 2
        for first, second in zip(differences[::2], differences[1::2], strict=True)
    ]


def pair_log_ratio(candidate: Sequence[float], base: Sequence[float], steps_per_turn: int) -> float:
    """Return the log ratio of a pair whose steps took turns: the median of its rounds.

    Args:
        candidate: Seconds of each step of the candidate, two turns per round.
        base: Seconds of each step of the base, as many.
        steps_per_turn: Number of steps in a turn.
    """
    return statistics.median(round_log_ratios(candidate, base, steps_per_turn))


def throughput(launches: Sequence[Launch], batch_size: int) -> tuple[float, Interval | None]:
    """Return samples per second as measured, without the yardstick, and the 95 % interval.

    Args:
        launches: Launches of one side, at least one.
        batch_size: Samples per step.

    Returns:
        The geometric mean over launches of the batch size divided by the median step, and
        Student's t interval between launches, None for a single launch.
    """
    logs = [math.log(batch_size / statistics.median(launch.step_seconds)) for launch in launches]
    interval = mean_interval(logs)
    value = math.exp(statistics.fmean(logs))
    return value, interval and (math.exp(interval[0]), math.exp(interval[1]))


def throughput_of_steps(step_seconds: Sequence[Sequence[float]], batch_size: int) -> float:
    """Return samples per second of one side of a duet, from the median of its launches' medians.

    Args:
        step_seconds: Seconds of each step, for each launch.
        batch_size: Samples per step.
    """
    return batch_size / statistics.median(map(statistics.median, step_seconds))


def roofline(launches: Sequence[Launch], gemm_flop: float) -> float:
    """Return the floating point operations per second of the yardstick's GEMM, by its median time.

    Args:
        launches: Launches with the visits of the yardstick.
        gemm_flop: Floating point operations of one GEMM.
    """
    return gemm_flop / statistics.median(
        second for launch in launches for second in launch.gemm_seconds
    )


# From one number for each launch or pair to differences and intervals.


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
    squares = sum(
        (item - statistics.fmean(sample)) ** 2 for sample in (first, second) for item in sample
    )
    spread = max(math.sqrt(squares / degrees_of_freedom), _MIN_SPREAD)
    error = spread * math.sqrt(1 / len(first) + 1 / len(second))
    return Difference(value, error, degrees_of_freedom, spread)


def paired_difference(log_ratios: Sequence[float]) -> Difference:
    """Return the mean of the log ratios of pairs, as a difference with its uncertainty."""
    count = len(log_ratios)
    value = statistics.fmean(log_ratios)
    if count < 2:  # noqa: PLR2004 - one value has no spread
        return Difference(value, math.inf, 0, math.inf)
    spread = max(statistics.stdev(log_ratios), _MIN_SPREAD)
    return Difference(value, spread / math.sqrt(count), count - 1, spread)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Return Student's t interval of the mean; None for fewer than two values."""
    if len(values) < 2:  # noqa: PLR2004 - one value has no spread
        return None
    centre = statistics.fmean(values)
    half_width = t_quantile((1 + confidence) / 2, len(values) - 1) * math.sqrt(
        statistics.variance(values) / len(values)
    )
    return centre - half_width, centre + half_width


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
