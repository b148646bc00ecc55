"""Reduce launches and pairs to the change of their total times, and to throughput. Pure, no I/O."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Sequence
from typing import Final

from traingate.gate.statistics import (
    Change,
    mean_interval,
    paired_difference,
    two_sample_difference,
)
from traingate.gate.step_table import common_steps, launch_totals, pair_totals
from traingate.records import Interval, Launch, Pair

_QUANTILES: Final = (0.5, 0.9, 0.99, 1.0)


def launches_change(
    stored: Sequence[Launch], new: Sequence[Launch], *, by_yardstick: bool = True
) -> Change:
    """Return the change from stored launches to new ones.

    Args:
        stored: Launches of the baseline, at least one.
        new: New launches, at least one.
        by_yardstick: True for times relative to the yardstick, False for times as measured.
    """
    launches = [*stored, *new]
    if by_yardstick:
        log_steps = relative_log_steps(launches)
    else:
        log_steps = [_log_quotients(launch.step_seconds, ()) for launch in launches]
    rows = common_steps(log_steps, [launch.warmup_steps for launch in launches])
    stored_totals = launch_totals(rows[: len(stored)])
    new_totals = launch_totals(rows[len(stored) :])
    errors = (stored_totals.step_error, new_totals.step_error)
    return Change(
        repeatable=two_sample_difference(stored_totals.repeatable, new_totals.repeatable),
        plain=two_sample_difference(stored_totals.plain, new_totals.plain),
        step_effects=tuple(
            map(operator.sub, new_totals.typical_steps, stored_totals.typical_steps)
        ),
        step_effects_error=math.hypot(*errors),
    )


def pairs_change(pairs: Sequence[Pair]) -> Change:
    """Return the change from the base to the candidate of a duet.

    Args:
        pairs: Pairs of the duet, at least one.
    """
    offsets = [pair.warmup_steps for pair in pairs]
    candidate = [
        _log_quotients(pair.candidate_step_seconds, pair.candidate_yardstick) for pair in pairs
    ]
    base = [_log_quotients(pair.base_step_seconds, pair.base_yardstick) for pair in pairs]
    totals = pair_totals(common_steps(candidate, offsets), common_steps(base, offsets))
    return Change(
        repeatable=paired_difference(totals.repeatable),
        plain=paired_difference(totals.plain),
        step_effects=totals.typical_steps,
        step_effects_error=totals.step_error,
    )


def common_epoch_starts(
    item: Launch | Pair, items: Sequence[Launch] | Sequence[Pair]
) -> tuple[int, ...]:
    """Return in which of the steps that all launches, or pairs, share an epoch starts.

    Args:
        item: Launch, or pair, whose epochs are looked at.
        items: All that are compared, *item* included.
    """
    skipped = max(other.warmup_steps for other in items) - item.warmup_steps
    return tuple(index - skipped for index in item.epoch_starts if index >= skipped)


def _log_quotients(seconds: Sequence[float], yardstick: Sequence[float]) -> list[float]:
    """Return log(step / yardstick) for each step; log(step) if *yardstick* is empty."""
    factors = yardstick or [1.0] * len(seconds)
    return [math.log(step / factor) for step, factor in zip(seconds, factors, strict=True)]


def relative_log_steps(launches: Sequence[Launch]) -> list[list[float]]:
    """Return log(step / yardstick) for each step of each launch.

    The unit of the yardstick is its median time over all *launches*. If the machine slows down for
    a while, step and yardstick both slow down, and their ratio stays the same.
    """
    factors = yardstick_factors(launches)
    return [
        _log_quotients(launch.step_seconds, launch_factors)
        for launch, launch_factors in zip(launches, factors, strict=True)
    ]


def yardstick_factors(launches: Sequence[Launch]) -> list[list[float]]:
    """Return the time of the yardstick around each step, relative to its median over *launches*.

    A visit counts as the mean of the relative times of its GEMM and its triad. For a step, it is
    the geometric mean of the visits before and after its round.
    """
    gemm_unit = statistics.median(second for launch in launches for second in launch.gemm_seconds)
    triad_unit = statistics.median(second for launch in launches for second in launch.triad_seconds)
    factors = []
    for launch in launches:
        visits = [
            (gemm / gemm_unit + triad / triad_unit) / 2
            for gemm, triad in zip(launch.gemm_seconds, launch.triad_seconds, strict=True)
        ]
        factors.append(
            [
                math.sqrt(visits[number] * visits[number + 1])
                for number, steps in enumerate(launch.steps_per_round)
                for _ in range(steps)
            ]
        )
    return factors


def yardstick_log_shift(stored: Sequence[Launch], new: Sequence[Launch]) -> float:
    """Return by how much the yardstick takes longer in new launches than in stored ones, as a log.

    Args:
        stored: Launches of the baseline, at least one.
        new: New launches, at least one.
    """
    factors = yardstick_factors([*stored, *new])
    levels = [statistics.median(map(math.log, launch_factors)) for launch_factors in factors]
    return statistics.fmean(levels[len(stored) :]) - statistics.fmean(levels[: len(stored)])


def plain_log_ratio(candidate: Sequence[float], base: Sequence[float]) -> float:
    """Return the logarithm of the ratio of the total times of two launches.

    Args:
        candidate: Seconds of each step of the candidate.
        base: Seconds of each step of the base, as many.
    """
    return math.log(sum(candidate) / sum(base))


def throughput(launches: Sequence[Launch], batch_size: int) -> tuple[float, Interval | None]:
    """Return samples per second as measured, without the yardstick, and the 95 % interval.

    Args:
        launches: Launches of one side, at least one.
        batch_size: Samples per step.

    Returns:
        The geometric mean over launches of samples by total time of the measured steps, and
        Student's t interval between launches, None for a single launch.
    """
    return throughput_of_steps([launch.step_seconds for launch in launches], batch_size)


def throughput_of_steps(
    step_seconds: Sequence[Sequence[float]], batch_size: int
) -> tuple[float, Interval | None]:
    """Return samples per second of launches and their 95 % interval, as ``throughput`` does.

    Args:
        step_seconds: Seconds of each step, for each launch.
        batch_size: Samples per step.
    """
    logs = [math.log(batch_size / statistics.fmean(steps)) for steps in step_seconds]
    interval = mean_interval(logs)
    value = math.exp(statistics.fmean(logs))
    return value, interval and (math.exp(interval[0]), math.exp(interval[1]))


def step_quantiles(launches: Sequence[Launch]) -> dict[str, float]:
    """Return quantiles of the step times of all launches in seconds, by their fraction as text."""
    steps = sorted(second for launch in launches for second in launch.step_seconds)
    return {f"{fraction:g}": steps[math.ceil(fraction * len(steps)) - 1] for fraction in _QUANTILES}


def gemm_rate(launches: Sequence[Launch], gemm_flop: float) -> float:
    """Return the floating point operations per second of the yardstick's GEMM, by its median time.

    Args:
        launches: Launches with the visits of the yardstick.
        gemm_flop: Floating point operations of one GEMM.
    """
    return gemm_flop / statistics.median(
        second for launch in launches for second in launch.gemm_seconds
    )
