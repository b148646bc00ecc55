"""What a gate can tell apart where pairs scatter so much. Pure: simulated, not measured."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from traingate.gate.decision import first_decision
from traingate.gate.policy import Policy, pair_policy
from traingate.gate.statistics import Difference, log_factor
from traingate.records import Method, Outcome, Verdict

TOLERANCES: Final = (2.0, 3.0, 5.0, 7.5, 10.0, 15.0)
_TRIES: Final = 400
_SURE: Final = 0.99
_FINENESS: Final = 0.25
"""In percent of throughput; finer would mean nothing."""


@dataclass(frozen=True)
class Trial:
    """A slowdown put in on purpose, and what the gate made of it.

    Attributes:
        percent: of throughput.
        verdict: of a duet with the test as it is.
        minutes: it took.
    """

    percent: float
    verdict: Verdict
    minutes: float


@dataclass(frozen=True)
class Resolution:
    """What a tolerance can do, by simulation with the scatter that was measured.

    Attributes:
        tolerance: in percent.
        smallest: slowdown, in percent, that is found in 99 of 100 comparisons; None if none is.
        pairs_to_find: that it takes, in the median; None if none is found.
        pairs: that unchanged code takes, in the median.
        passes: share of comparisons of unchanged code that pass.
    """

    tolerance: float
    smallest: float | None
    pairs_to_find: int | None
    pairs: int
    passes: float


@dataclass(frozen=True)
class Calibration:
    """What was learnt of one test.

    Attributes:
        test: its name.
        method: how its sides took turns.
        pairs: of the test beside itself.
        spread: standard deviation of their log ratios.
        change_percent, change_percent_interval: of the test against itself: what should be none.
        minutes_per_pair: of a session's time.
        trials: with slowdowns put in.
        resolutions: by tolerance.
        most_pairs: that each comparison may take.
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
    most_pairs: int

    @property
    def recommended(self) -> Resolution | None:
        """The smallest tolerance that lets unchanged code pass, and finds twice of itself."""
        for resolution in self.resolutions:
            smallest = math.inf if resolution.smallest is None else resolution.smallest
            finds = smallest <= 2 * resolution.tolerance + _FINENESS
            if finds and resolution.passes >= _SURE:
                return resolution
        return None


def upper_spread(change: Difference) -> float:
    """What the true spread exceeds with a probability of a fifth: few pairs tell it badly."""
    from scipy.special import chdtri  # noqa: PLC0415 - a third of a second, only when needed

    freedom = change.degrees_of_freedom
    return change.spread * math.sqrt(freedom / float(chdtri(freedom, 0.8)))


def simulate_resolution(tolerance: float, spread: float, method: Method, most: int) -> Resolution:
    """What a gate of this tolerance can do where pairs scatter by ``spread``, simulated.

    Args:
        tolerance: in percent of throughput.
        spread: standard deviation of the pairs' log ratios.
        method: of the duet.
        most: pairs at the most.
    """
    simulated = partial(
        _simulated, spread=spread, method=method, policy=pair_policy(tolerance, most)
    )
    unchanged = simulated(0.0)
    passed = [pairs for outcome, pairs in unchanged if outcome is Outcome.PASSED]
    low, high = tolerance, 45.0
    if _share_found(simulated(high)) < _SURE:
        smallest = pairs_to_find = None
    else:
        while high - low > _FINENESS:
            middle = (low + high) / 2
            if _share_found(simulated(middle)) >= _SURE:
                high = middle
            else:
                low = middle
        smallest, pairs_to_find = high, _median_pairs(simulated(high))
    return Resolution(
        tolerance=tolerance,
        smallest=smallest,
        pairs_to_find=pairs_to_find,
        pairs=_median_pairs(unchanged),
        passes=len(passed) / len(unchanged),
    )


def _simulated(
    loss: float, spread: float, method: Method, policy: Policy
) -> list[tuple[Outcome, int]]:
    dice = random.Random(0)  # noqa: S311 - chance with a seed is what simulations want
    shift = log_factor(loss)
    return [
        first_decision([dice.gauss(shift, spread) for _ in range(policy.most)], method, policy)
        for _ in range(_TRIES)
    ]


def _median_pairs(results: Sequence[tuple[Outcome, int]]) -> int:
    return round(statistics.median(pairs for _, pairs in results))


def _share_found(results: Sequence[tuple[Outcome, int]]) -> float:
    return sum(outcome is Outcome.REGRESSED for outcome, _ in results) / len(results)
