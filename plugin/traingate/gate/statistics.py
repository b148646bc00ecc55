"""From launches to numbers with intervals. Pure; launches, not steps, are the samples."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from traingate.records import Interval, Launch

_LEAST_SPREAD: Final = 1e-9
"""No clock tells values apart that lie closer; two equal ones are no proof of certainty."""


@dataclass(frozen=True)
class Prior:
    """What is known of a spread beforehand, worth so many degrees of freedom."""

    spread: float
    degrees_of_freedom: int


@dataclass(frozen=True)
class Difference:
    """A difference of two means on the log scale, and how surely it is known.

    Attributes:
        value: mean of the second sample less that of the first.
        standard_error: of ``value``; infinite below three values in all.
        degrees_of_freedom: of the t distribution that it follows.
        spread: standard deviation of single values, that of both samples pooled.
    """

    value: float
    standard_error: float
    degrees_of_freedom: int
    spread: float

    def lower(self, error: float) -> float:
        """The bound that the true difference falls below with probability ``error``."""
        if self.degrees_of_freedom < 1:
            return -math.inf
        return self.value + t_quantile(error, self.degrees_of_freedom) * self.standard_error

    def moderated(self, prior: Prior) -> Difference:
        """The same difference, with the spread of few values moderated by a prior.

        Smyth's moderated t (Statistical Applications in Genetics and Molecular Biology,
        2004): the variance is the mean of the sample's and the prior's, weighted by their
        degrees of freedom, and their sum belongs to the t distribution.
        """
        freedom = self.degrees_of_freedom
        if freedom < 1:
            return self
        variance = (prior.degrees_of_freedom * prior.spread**2 + freedom * self.spread**2) / (
            prior.degrees_of_freedom + freedom
        )
        return replace(
            self,
            standard_error=self.standard_error / self.spread * math.sqrt(variance),
            spread=math.sqrt(variance),
            degrees_of_freedom=freedom + prior.degrees_of_freedom,
        )

    def upper(self, error: float) -> float:
        """The bound that the true difference exceeds with probability ``error``."""
        return 2 * self.value - self.lower(error) if self.degrees_of_freedom >= 1 else math.inf


def loss_percent(log_ratio: float) -> float:
    """Loss of throughput, in percent, of steps that take ``exp(log_ratio)`` times as long."""
    return 100 * (1 - math.exp(-log_ratio))


def log_factor(loss_percent: float) -> float:
    """Log of how many times as long a step takes that loses so much throughput, in percent."""
    return -math.log(1 - loss_percent / 100)


def t_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Quantile of Student's t distribution."""
    from scipy.special import stdtrit  # noqa: PLC0415 - a third of a second, only when needed

    return float(stdtrit(degrees_of_freedom, probability))


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Student's t interval of the mean; None for fewer than two values."""
    if len(values) < 2:  # noqa: PLR2004 - one value has no spread
        return None
    centre = statistics.fmean(values)
    half = t_quantile((1 + confidence) / 2, len(values) - 1) * math.sqrt(
        statistics.variance(values) / len(values)
    )
    return centre - half, centre + half


def difference(first: Sequence[float], second: Sequence[float]) -> Difference:
    """The two-sample difference ``second - first``, with one variance for both samples.

    Pooling the variance (Student 1908) rather than Welch's form is what two or three
    baseline launches allow: same machine, same kind of launch, same noise.
    """
    freedom = len(first) + len(second) - 2
    value = statistics.fmean(second) - statistics.fmean(first)
    if freedom < 1:
        return Difference(value, math.inf, 0, math.inf)
    squares = sum(
        (item - statistics.fmean(sample)) ** 2 for sample in (first, second) for item in sample
    )
    spread = max(math.sqrt(squares / freedom), _LEAST_SPREAD)
    error = spread * math.sqrt(1 / len(first) + 1 / len(second))
    return Difference(value, error, freedom, spread)


def error_spent(share_before: float, share_now: float, power: float) -> float:
    """The fraction of an error that a look may spend, by the power family of spending functions.

    Looking again after further launches gives chance more than one try, so the tries share
    one error. After a share ``t`` of the launches, ``t ** power`` of it is spent (Kim and
    DeMets, Biometrika 1987); a power above 1 saves it for the late looks, one below 1 spends
    it early. Each look uses its own part alone (Bonferroni), which is on the safe side.

    Args:
        share_before: of all launches, at the look before; 0 at the first.
        share_now: of all launches, at this look; 1 at the last.
        power: above 0.
    """
    return float(share_now**power - share_before**power)


def log_step_times(launches: Sequence[Launch], unit: tuple[float, float]) -> list[float]:
    """Per launch: the median over rounds of log(step / yardstick).

    Args:
        launches: the launches.
        unit: seconds of GEMM and triad that count as a yardstick of 1; the same for all
            launches of a comparison (see ``yardstick_unit``).

    Returns:
        One number per launch, in log seconds. The yardstick of a round is the mean of the
        visits before and after it, each the mean of GEMM's and triad's relative times: a
        machine that slows down for a moment slows both, and the ratio stays.
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


def round_log_ratios(
    candidate: Sequence[float], base: Sequence[float], steps_per_turn: int
) -> list[float]:
    """Per round of a duet: log of the candidate's step over the base's.

    Args:
        candidate: seconds of each step, two turns a round.
        base: likewise, as many.
        steps_per_turn: whose median is the turn's step.

    Returns:
        One number per round: the mean of the logs of its two turns on either side. In the order
        A B B A, what drifts evenly across the round is the same in both.
    """
    turns = [
        [
            math.log(statistics.median(side[start : start + steps_per_turn]))
            for start in range(0, len(side), steps_per_turn)
        ]
        for side in (candidate, base)
    ]
    differences = [ours - theirs for ours, theirs in zip(*turns, strict=True)]
    return [
        (one + other) / 2 for one, other in zip(differences[::2], differences[1::2], strict=True)
    ]


def paired(log_ratios: Sequence[float]) -> Difference:
    """The mean of paired differences, each of a launch and the one beside it."""
    count = len(log_ratios)
    value = statistics.fmean(log_ratios)
    if count < 2:  # noqa: PLR2004 - one value has no spread
        return Difference(value, math.inf, 0, math.inf)
    spread = max(statistics.stdev(log_ratios), _LEAST_SPREAD)
    return Difference(value, spread / math.sqrt(count), count - 1, spread)


def yardstick_unit(launches: Sequence[Launch]) -> tuple[float, float]:
    """Median seconds of GEMM and triad over all visits of ``launches``."""
    return (
        statistics.median(second for launch in launches for second in launch.gemm_seconds),
        statistics.median(second for launch in launches for second in launch.triad_seconds),
    )


def throughput(launches: Sequence[Launch], batch_size: int) -> tuple[float, Interval | None]:
    """Samples per second, as measured (no yardstick), and its 95 % interval.

    The geometric mean over launches of the batch size divided by the median step; the
    interval is Student's t between launches, None for one launch.
    """
    logs = [math.log(batch_size / statistics.median(launch.step_seconds)) for launch in launches]
    interval = mean_interval(logs)
    value = math.exp(statistics.fmean(logs))
    return value, interval and (math.exp(interval[0]), math.exp(interval[1]))


def roofline(launches: Sequence[Launch], gemm_flop: float) -> float:
    """Floating point operations per second of the yardstick's GEMM, median over visits."""
    return gemm_flop / statistics.median(
        second for launch in launches for second in launch.gemm_seconds
    )
