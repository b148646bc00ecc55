"""Predict which slowdowns a gate finds where pairs have a given spread. Pure: a simulation."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from traingate.gate.decision import decide_change
from traingate.gate.policy import Policy, pair_policy
from traingate.gate.statistics import Change, Difference, log_factor, paired_difference
from traingate.records import Method, Outcome, Verdict

TOLERANCES: Final = (2.0, 3.0, 5.0, 7.5, 10.0, 15.0)
"""Tolerances that a calibration tries, in percent of throughput."""

_SIMULATED_DUETS: Final = 400
"""Number of duets that are simulated for each slowdown."""

_RELIABLE_SHARE: Final = 0.99
"""Share of simulated duets that must find a slowdown, or pass unchanged code."""

_MAX_SLOWDOWN_PERCENT: Final = 45.0
"""Largest slowdown that is tried, in percent of throughput."""

_SEARCH_WIDTH_PERCENT: Final = 0.25
"""Width at which the search for the smallest slowdown ends, in percent of throughput; a narrower
one would have no practical meaning."""


@dataclass(frozen=True)
class Trial:
    """Duet of a test with an injected slowdown, and its verdict.

    Attributes:
        slowdown_percent: Injected slowdown, in percent of throughput.
        verdict: Verdict on the test with the slowdown, compared with the unchanged test.
        minutes: Duration of the duet in minutes.
    """

    slowdown_percent: float
    verdict: Verdict
    minutes: float


@dataclass(frozen=True)
class Resolution:
    """Ability of the gate to find slowdowns at one tolerance, by simulation.

    Attributes:
        tolerance: Tolerance, in percent of throughput.
        smallest_percent: Smallest slowdown that 99 of 100 duets find, in percent of throughput;
            None if they find none.
        pairs_to_find: Median number of pairs that finding it takes; None if none is found.
        pairs: Median number of pairs that unchanged code takes.
        pass_share: Fraction of the duets of unchanged code that pass.
    """

    tolerance: float
    smallest_percent: float | None
    pairs_to_find: int | None
    pairs: int
    pass_share: float


@dataclass(frozen=True)
class Calibration:
    """Result of calibrating the gate for one test on one machine.

    Attributes:
        test: Full name of the test.
        method: Way in which the two sides took turns.
        pairs: Number of pairs in which the test was compared with itself.
        spread: Standard deviation of the log ratios of these pairs.
        change_percent: Estimated slowdown of the test compared with itself, in percent of
            throughput; 0 would be exact.
        change_percent_interval: 95 % interval of ``change_percent``.
        minutes_per_pair: Mean duration of a pair in minutes.
        trials: Duets with injected slowdowns.
        resolutions: Ability of the gate at each of ``TOLERANCES``, in ascending order.
        max_pairs: Largest number of pairs that one duet may take.
    """

    test: str
    method: Method
    pairs: int
    spread: float
    change_percent: float
    change_percent_interval: tuple[float, float]
    minutes_per_pair: float
    trials: tuple[Trial, ...]
    resolutions: tuple[Resolution, ...]
    max_pairs: int

    @property
    def recommendation(self) -> Resolution | None:
        """Return the resolution at the smallest useful tolerance, None if no tolerance is useful.

        A tolerance is useful if unchanged code passes, and a slowdown of twice of it is found.
        """
        for resolution in self.resolutions:
            smallest = (
                math.inf if resolution.smallest_percent is None else resolution.smallest_percent
            )
            finds_twice = smallest <= 2 * resolution.tolerance + _SEARCH_WIDTH_PERCENT
            if finds_twice and resolution.pass_share >= _RELIABLE_SHARE:
                return resolution
        return None


def upper_spread(change: Difference) -> float:
    """Return the upper 80 % confidence limit of the spread of pairs.

    A few pairs estimate the spread imprecisely: the true one exceeds this limit with a probability
    of 20 %.

    Args:
        change: Difference between the two sides of a duet, of at least two pairs.
    """
    from scipy.special import chdtri  # noqa: PLC0415 - a third of a second, only when needed

    freedom = change.degrees_of_freedom
    return change.spread * math.sqrt(freedom / float(chdtri(freedom, 0.8)))


def simulate_resolution(
    tolerance: float, spread: float, method: Method, max_pairs: int
) -> Resolution:
    """Simulate which slowdowns the gate finds, and how often it passes unchanged code.

    Args:
        tolerance: Tolerance, in percent of throughput.
        spread: Standard deviation of the log ratios of pairs.
        method: Method of the duet, which decides the prior.
        max_pairs: Largest number of pairs of one duet.
    """
    simulate = partial(
        _simulate, spread=spread, method=method, policy=pair_policy(tolerance, max_pairs)
    )
    unchanged_duets = simulate(0.0)
    pass_count = sum(outcome is Outcome.PASSED for outcome, _ in unchanged_duets)
    low, high = tolerance, _MAX_SLOWDOWN_PERCENT
    if _share_regressed(simulate(high)) < _RELIABLE_SHARE:
        smallest = pairs_to_find = None
    else:
        while high - low > _SEARCH_WIDTH_PERCENT:
            middle = (low + high) / 2
            if _share_regressed(simulate(middle)) >= _RELIABLE_SHARE:
                high = middle
            else:
                low = middle
        smallest, pairs_to_find = high, _median_pairs(simulate(high))
    return Resolution(
        tolerance=tolerance,
        smallest_percent=smallest,
        pairs_to_find=pairs_to_find,
        pairs=_median_pairs(unchanged_duets),
        pass_share=pass_count / len(unchanged_duets),
    )


def _simulate(
    loss: float, spread: float, method: Method, policy: Policy
) -> list[tuple[Outcome, int]]:
    """Return the outcome and the number of pairs of each simulated duet, for a loss in percent."""
    generator = random.Random(0)  # noqa: S311 - simulations need repeatable numbers, not secrets
    shift = log_factor(loss)
    decisions = []
    for _ in range(_SIMULATED_DUETS):
        log_ratios = [generator.gauss(shift, spread) for _ in range(policy.maximum)]
        decisions.append(_first_decision(log_ratios, method, policy))
    return decisions


def _first_decision(
    log_ratios: Sequence[float], method: Method, policy: Policy
) -> tuple[Outcome, int]:
    """Return the outcome at the first look that decides, and the number of pairs taken by then.

    The steps have no outliers, so that both estimates of the change are the same.
    """
    outcome, pairs = Outcome.INCONCLUSIVE, 0
    for pairs in policy.looks:
        change = paired_difference(log_ratios[:pairs])
        outcome = decide_change(Change(change, change), method, pairs, policy)
        if outcome is not Outcome.INCONCLUSIVE:
            break
    return outcome, pairs


def _median_pairs(duets: Sequence[tuple[Outcome, int]]) -> int:
    return round(statistics.median(pairs for _, pairs in duets))


def _share_regressed(duets: Sequence[tuple[Outcome, int]]) -> float:
    return sum(outcome is Outcome.REGRESSED for outcome, _ in duets) / len(duets)
