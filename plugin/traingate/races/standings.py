"""Compute the place of each candidate in the result of a race, from its launches. Pure."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from traingate.gate.roofline import roofline_of_step
from traingate.gate.statistics import mean_interval
from traingate.races.estimates import ROUGH_ERROR, Fit, tukey_quantile
from traingate.records import Counts, Interval, Measurement
from traingate.records.race import PLAIN, Heat, Race, RaceLaunch

_LARGEST_LOGARITHM: Final = 700.0
"""Largest number whose exponential all formats of numbers hold."""


@dataclass(frozen=True)
class Ratio:
    """Ratio of two throughputs, or of samples per dollar, with its interval.

    Attributes:
        value: Estimate; above 1 if the first candidate is faster.
        interval: Its interval. Those of the same list hold at the same time.
    """

    value: float
    interval: Interval

    @property
    def differs(self) -> bool:
        """Return whether the interval excludes 1."""
        low, high = self.interval
        return low > 1 or high < 1


@dataclass(frozen=True)
class Standing:
    """Place of a candidate in the result of a race.

    Attributes:
        candidate: Index of the candidate.
        launches: Number of launches that the estimate rests on.
        over_plain: Ratio to the plain workload; None for plain itself, or if plain has no launch.
        over_winner: Ratio to the winner; None for the winner.
        samples_per_second: Throughput.
        samples_per_second_interval: 95 % interval between launches; None for a single launch.
        roofline_share: Shortest time of a step by the roofline model, as a fraction of its time;
            None if it is not known.
        bound: Limit that the shortest time follows from, ``compute`` or ``memory``; empty if it is
            not known.
        peak_bytes: Largest memory of a launch in bytes; 0 if unknown.
        first_step_seconds: Longest first step, which compiles.
    """

    candidate: int
    launches: int
    over_plain: Ratio | None
    over_winner: Ratio | None
    samples_per_second: float
    samples_per_second_interval: Interval | None
    roofline_share: float | None
    bound: str
    peak_bytes: int
    first_step_seconds: float


Participation: TypeAlias = tuple[Heat, RaceLaunch]
"""Launch of a candidate, with its heat."""

HalfWidth: TypeAlias = Callable[[int, int], float]
"""Function from two candidates to the half-width of the interval of their log ratio."""


def tukey_widths(estimates: Fit, error: float) -> HalfWidth:
    """Return Tukey's half-widths: the intervals of all pairs hold at the same time.

    Args:
        estimates: Estimates of candidates that took part in the same heats.
        error: Probability that any of the intervals misses the true ratio.
    """
    quantile = tukey_quantile(error, len(estimates.effects), estimates.degrees_of_freedom)
    return lambda first, second: quantile * estimates.standard_error(first, second)


def rough_widths(estimates: Fit) -> HalfWidth:
    """Return Bonferroni's half-widths, for candidates with unequal numbers of launches."""
    count = len(estimates.effects)
    pairs = max(1, count * (count - 1) / 2)  # any of them may be that of plain and the winner
    return lambda first, second: estimates.half_width(first, second, ROUGH_ERROR / pairs)


def ratio_of(estimates: Fit, width: HalfWidth, candidate: int, other: int) -> Ratio:
    """Return the throughput of *candidate* divided by that of *other*."""
    difference = estimates.difference(candidate, other)
    half = width(candidate, other)
    return Ratio(math.exp(difference), (_exp(difference - half), _exp(difference + half)))


def _exp(value: float) -> float:
    """Return the exponential of the end of an interval, which may be as good as infinite."""
    return math.exp(min(value, _LARGEST_LOGARITHM))


def participations(race: Race) -> Mapping[int, Sequence[Participation]]:
    """Return the launches of each candidate of a race that has any, in the order of the heats."""
    by_candidate: dict[int, list[Participation]] = defaultdict(list)
    for heat in race.heats:
        for launch in heat.launches:
            by_candidate[launch.candidate].append((heat, launch))
    return by_candidate


def standing_of(
    race: Race,
    own: Sequence[Participation],
    winner: int,
    estimates: Fit,
    width: HalfWidth,
) -> Standing:
    """Return the place of a candidate.

    Args:
        race: Race.
        own: All launches of the candidate, of which there is one at least.
        winner: Index of the winner.
        estimates: Estimates that its ratios come from.
        width: Half-widths of their intervals.
    """
    candidate = own[0][1].candidate
    has_plain = PLAIN in estimates.effects and candidate != PLAIN
    has_winner = winner in estimates.effects and candidate != winner
    # Those of the final, else of the whole race.
    chosen = [(heat, launch) for heat, launch in own if heat.stage == "final"] or own
    launches = [launch for _, launch in chosen]
    speeds = [math.log(_samples_per_second(launch)) for launch in launches]
    interval = mean_interval(speeds)
    throughput = math.exp(statistics.fmean(speeds))
    share, bound = _roofline(race, chosen, throughput)
    return Standing(
        candidate=candidate,
        launches=estimates.launches[candidate],
        over_plain=ratio_of(estimates, width, candidate, PLAIN) if has_plain else None,
        over_winner=ratio_of(estimates, width, candidate, winner) if has_winner else None,
        samples_per_second=throughput,
        samples_per_second_interval=interval and (_exp(interval[0]), _exp(interval[1])),
        roofline_share=share,
        bound=bound,
        peak_bytes=max(launch.peak_bytes for launch in launches),
        first_step_seconds=max(launch.first_step_seconds for _, launch in own),
    )


def _samples_per_second(launch: RaceLaunch) -> float:
    samples = len(launch.turn_seconds) * launch.steps_per_turn * launch.batch_size
    return samples / math.fsum(launch.turn_seconds)


def _roofline(
    race: Race, chosen: Sequence[Participation], samples_per_second: float
) -> tuple[float | None, str]:
    """Return the share of the binding roofline, and which limit binds.

    The rates of the machine are those of the measurement before the race, corrected by the
    yardstick's matrix product during the launches.
    """
    plain = race.plain
    heats = {id(heat): heat for heat, _ in chosen}
    gemm_seconds = [second for heat in heats.values() for second in heat.gemm_seconds]
    if not gemm_seconds or not plain.roofline_flops_per_second:
        return None, ""
    before = [second for launch in plain.launches for second in launch.gemm_seconds]
    if not before:
        return None, ""
    speed = statistics.median(before) / statistics.median(gemm_seconds)
    _, launch = chosen[-1]
    limit = roofline_of_step(
        _counts(plain),
        launch.batch_size,
        race.candidates[launch.candidate].ranks,
        flops_per_second=plain.roofline_flops_per_second * speed * launch.precision_speedup,
        memory_bytes_per_second=(plain.memory_bytes_per_second or 0.0) * speed,
    )
    if limit is None:
        return None, ""
    return limit.seconds * samples_per_second / launch.batch_size, limit.bound


def _counts(plain: Measurement) -> Counts:
    return Counts(
        counters={},
        flops_per_sample=plain.flops_per_sample,
        bytes_per_sample=plain.bytes_per_sample,
        fixed_bytes_per_step=plain.fixed_bytes_per_step,
    )
