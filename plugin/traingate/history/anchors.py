"""Compare the newest point of a series with an anchor, so that small losses add up. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

from traingate.history.levels import Ramp, without_outliers
from traingate.records.history import HistoryCommit, HistoryPoint, SinceAnchor
from traingate.records.units import Interval

_QUANTILE: Final = NormalDist().inv_cdf(0.975)

_BESIDE_ANCHOR: Final = 2
"""Number of points on each side of the anchor that its level is estimated from."""

_NEAR: Final = 4.0
"""Largest distance of these points from the anchor, in standard deviations of single points."""

_NEWEST: Final = 5
"""Number of the newest points that the present level is estimated from."""


def choose_anchor(
    points: Sequence[HistoryPoint], commits: Sequence[HistoryCommit], named: int | None
) -> tuple[int, str] | None:
    """Return the index of the anchor and the reason for it; None if nothing is after an anchor.

    Args:
        points: Points of a series.
        commits: Commits of the history.
        named: Index of the commit that the user named; None for the newest point that has an
            accepted change, or that has a tag and is not the last point; else the first point.
    """
    last = len(points) - 1
    if named is not None:
        before = [index for index, point in enumerate(points) if point.commit <= named]
        return (before[-1], "as named") if before and before[-1] < last else None
    for index in range(last, -1, -1):
        tags = commits[points[index].commit].tags
        if points[index].accepted:
            return (index, f"accepted: {points[index].accepted}") if index < last else None
        if tags and index < last:
            return index, f"tag {tags[-1]}"
    return (0, "first run") if last else None


def change_since(
    anchor: int,
    reason: str,
    values: Sequence[float],
    *,
    ramps: Sequence[Ramp],
    spread: float,
    tolerance_percent: float,
) -> SinceAnchor:
    """Return the change from an anchor to a newer point, the newest of the series.

    Both levels are means of a few points that no change of level separates. Neighbours of the
    anchor that are far from it are left out: at the ends of a series, a jump may not be found.
    Outliers among the newest points are moved to the edge of the usual scatter.

    Args:
        anchor: Index of the anchor, which is not the newest point.
        reason: Reason for it.
        values: Logarithm of the throughput at each point.
        ramps: Changes of level.
        spread: Standard deviation of single points.
        tolerance_percent: Largest loss that is let through, in percent.
    """
    last = len(values) - 1
    start = max((ramp.after for ramp in ramps if ramp.after <= last), default=0)
    if any(ramp.before < last < ramp.after for ramp in ramps):
        start = last
    newest = range(max(start, last - _NEWEST + 1, anchor + 1), last + 1)
    low = max((ramp.after for ramp in ramps if ramp.after <= anchor), default=0)
    high = min((ramp.before for ramp in ramps if ramp.before >= anchor), default=last)
    if any(ramp.before < anchor < ramp.after for ramp in ramps):
        low = high = anchor
    ends = (
        max(low, anchor - _BESIDE_ANCHOR),
        max(anchor, min(high, anchor + _BESIDE_ANCHOR, newest.start - 1)),
    )
    beside = [
        index
        for index in range(ends[0], ends[1] + 1)
        if abs(values[index] - values[anchor]) <= _NEAR * spread
    ]
    change = _mean(without_outliers(values, spread), newest) - _mean(values, beside)
    error = spread * math.sqrt(1 / len(newest) + 1 / len(beside))
    change_percent, interval = in_percent(change, error)
    return SinceAnchor(
        anchor=anchor,
        reason=reason,
        change_percent=change_percent,
        interval=interval,
        is_loss=interval[1] < -tolerance_percent,
    )


def in_percent(change: float, standard_error: float) -> tuple[float, Interval]:
    """Return a difference of logarithms as a change in percent, with its 95 % interval."""
    ends = (change - _QUANTILE * standard_error, change + _QUANTILE * standard_error)
    low, high = (100 * math.expm1(end) for end in ends)
    return 100 * math.expm1(change), (low, high)


def _mean(values: Sequence[float], indexes: Sequence[int]) -> float:
    return math.fsum(values[index] for index in indexes) / len(indexes)
