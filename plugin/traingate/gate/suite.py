"""Summarise the verdicts of several tests by one number. Pure, no I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import NormalDist

from traingate.records import Verdict
from traingate.records.results import SuiteChange
from traingate.records.units import Interval

_QUANTILE = NormalDist().inv_cdf(0.975)


def suite_change(verdicts: Iterable[Verdict]) -> SuiteChange | None:
    """Return the geometric mean of the ratios of throughput; None if no verdict has one.

    The errors of the tests are taken for independent, and for normal in the logarithm, so that
    their variances add up.

    Args:
        verdicts: Verdicts of different tests.
    """
    compared = [verdict for verdict in verdicts if verdict.slowdown_percent is not None]
    if not compared:
        return None
    logs = [_log_ratio(verdict.slowdown_percent or 0.0) for verdict in compared]
    mean = math.fsum(logs) / len(logs)
    intervals = [verdict.slowdown_percent_interval for verdict in compared]
    errors = [_standard_error(interval) for interval in intervals if interval is not None]
    ratio_interval: Interval | None = None
    if len(errors) == len(compared):
        half_width = _QUANTILE * math.sqrt(math.fsum(error**2 for error in errors)) / len(errors)
        ratio_interval = (math.exp(mean - half_width), math.exp(mean + half_width))
    return SuiteChange(tests=len(compared), ratio=math.exp(mean), ratio_interval=ratio_interval)


def _log_ratio(slowdown_percent: float) -> float:
    return math.log1p(-slowdown_percent / 100)


def _standard_error(slowdown_interval: Interval) -> float:
    """Return the standard error of the logarithm of a ratio, by its 95 % interval."""
    low, high = map(_log_ratio, slowdown_interval)
    return abs(high - low) / (2 * _QUANTILE)
