"""Find the changes of level in a series of measurements: jumps, and creep over many points. Pure.

Change points are those of the PELT algorithm with a quadratic cost (Killick, Fearnhead and Eckley,
JASA 107, 2012), by the library ruptures. Losses that follow each other in small steps are one
change: a ramp between two levels, which is fitted by least squares, replaces successive steps in
the same direction if it fits about as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from traingate.errors import ConfigurationError
from traingate.gate.policy import LAUNCH_PRIOR

_Values: TypeAlias = NDArray[np.float64]

_PENALTY: Final = 22.0
"""Cost of a change point, in variances of one point. ``benchmarks/validation/creep.py`` shows the
false changes in 100 flat points, and the losses that are missed."""

_MIN_POINTS: Final = 4
"""Smallest number of points in which changes are looked for."""

_REACH: Final = 12
"""Largest distance, in points, of an end of a ramp from the change point that PELT has found."""

_WINDOW: Final = 5
"""Number of points whose median says if one of them is an outlier."""

_CLIP: Final = 3.0
"""Largest distance of a point from that median, in standard deviations."""

_SPREAD_OF_MAD: Final = 1.4826
"""Standard deviation of a normal distribution, divided by its median absolute deviation."""


@dataclass(frozen=True)
class Ramp:
    """Change of level: constant up to one point, and constant again from another one on.

    Attributes:
        before: Index of the last point of the level before.
        after: Index of the first point of the level after; ``before + 1`` for a jump.
        change: Difference of the two levels.
        standard_error: Standard error of ``change``.
    """

    before: int
    after: int
    change: float
    standard_error: float

    @property
    def is_jump(self) -> bool:
        """Return whether the level changes between two successive points."""
        return self.after == self.before + 1


def point_spread(values: Sequence[float], launches: Sequence[int]) -> float:
    """Return the standard deviation of single points around their level.

    It is estimated from the differences of successive points, by their median absolute deviation:
    changes of level are in few of them. A few points estimate it badly, so that the spread of
    launches that is usual has the weight of a few points.

    Args:
        values: Logarithm of the throughput at each point.
        launches: Number of launches at each point.
    """
    usual = LAUNCH_PRIOR.spread / math.sqrt(float(np.median(launches)))
    differences = np.diff(np.asarray(values, float))
    if not differences.size:
        return usual
    deviation = _SPREAD_OF_MAD * float(np.median(np.abs(differences - np.median(differences))))
    weight = LAUNCH_PRIOR.degrees_of_freedom
    variance = (weight * usual**2 + differences.size * deviation**2 / 2) / (
        weight + differences.size
    )
    return math.sqrt(variance)


def find_changes(values: Sequence[float], spread: float) -> list[Ramp]:
    """Return the changes of level in their order.

    Args:
        values: Logarithm of the throughput at each point.
        spread: Standard deviation of single points around their level.
    """
    if len(values) < _MIN_POINTS:
        return []
    points = _clipped(np.asarray(values, float) / spread)
    breaks = _change_points(points)
    ramps: list[Ramp] = []
    for first, last in _groups(points, breaks):
        # The level before begins where the ramp before has ended.
        start = min(ramps[-1].after, breaks[first] - 1) if ramps else 0
        end = breaks[last + 1] if last + 1 < len(breaks) else len(points)
        part = points[start:end]
        before, after = _fitted_ends(part, breaks[first] - start, breaks[last] - start)
        change = float(part[after:].mean() - part[: before + 1].mean())
        error = math.sqrt(1 / (before + 1) + 1 / (len(part) - after))
        ramps.append(Ramp(start + before, start + after, change * spread, error * spread))
    return ramps


def without_outliers(values: Sequence[float], spread: float) -> list[float]:
    """Return the points of a series with single outliers moved to the edge of the usual scatter.

    Args:
        values: Logarithm of the throughput at each point.
        spread: Standard deviation of single points around their level.
    """
    return [float(value) for value in _clipped(np.asarray(values, float) / spread) * spread]


def _clipped(points: _Values) -> _Values:
    """Return the points with single outliers moved to the edge of the usual scatter."""
    from scipy import ndimage  # noqa: PLC0415 - a third of a second, only when needed

    medians = ndimage.median_filter(points, size=_WINDOW, mode="mirror")
    clipped: _Values = np.clip(points, medians - _CLIP, medians + _CLIP)
    return clipped


def _change_points(points: _Values) -> list[int]:
    """Return the indexes at which a new level begins.

    Raises:
        ConfigurationError: If ruptures is not installed.
    """
    try:
        from ruptures import KernelCPD  # noqa: PLC0415 - half a second, only when needed
    except ImportError as error:
        raise ConfigurationError(
            "A history needs ruptures: pip install 'pytest-traingate[history]'"
        ) from error
    search = KernelCPD(kernel="linear", min_size=2).fit(points.reshape(-1, 1))
    return [int(index) for index in search.predict(pen=_PENALTY)[:-1]]


def _groups(points: _Values, breaks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last index of the change points that belong to one change."""
    levels = [float(part.mean()) for part in np.split(points, breaks)]
    ups = [after > before for before, after in pairwise(levels)]
    first = 0
    while first < len(breaks):
        last = first
        while (
            last + 1 < len(breaks)
            and ups[last + 1] == ups[first]
            and _is_one_ramp(points, breaks, first, last + 1)
        ):
            last += 1
        yield first, last
        first = last + 1


def _is_one_ramp(points: _Values, breaks: Sequence[int], first: int, last: int) -> bool:
    """Return whether one ramp fits about as well as the steps from *first* to *last*.

    A ramp has a place and a level less than two steps, so it may fit worse by the cost of that.
    """
    start = breaks[first - 1] if first else 0
    end = breaks[last + 1] if last + 1 < len(breaks) else len(points)
    inner = [index - start for index in breaks[first : last + 1]]
    steps_cost = sum(_squares(part) for part in np.split(points[start:end], inner))
    _, _, ramp_cost = _best_ramp(points[start:end], inner[0], inner[-1])
    return ramp_cost <= steps_cost + _PENALTY * (last - first)


def _fitted_ends(part: _Values, first: int, last: int) -> tuple[int, int]:
    """Return the last point before a change, and the first one after it.

    They are those of a jump, or of a ramp if that fits better.

    Args:
        part: Points of the level before, of the change, and of the level after.
        first: First change point in the part.
        last: Last change point in the part.
    """
    before, after, cost = _best_ramp(part, first, last)
    if first == last:
        jump_cost = sum(_squares(side) for side in np.split(part, [first]))
        if jump_cost <= cost + _PENALTY / 2:
            return first - 1, first
    return before, after


def _best_ramp(part: _Values, first: int, last: int) -> tuple[int, int, float]:
    """Return the ends of the ramp that fits best, and the sum of squares that it leaves.

    Args:
        part: Points of the level before, of the change, and of the level after.
        first: First change point in the part.
        last: Last change point in the part.
    """
    numbers = np.arange(len(part))
    best = (first - 1, first, math.inf)
    for before in range(max(0, first - 1 - _REACH), min(len(part) - 1, first + _REACH)):
        earliest = max(before + 1, last - _REACH)
        for after in range(earliest, min(len(part), last + 1 + _REACH)):
            shape = np.clip((numbers - before) / (after - before), 0, 1)
            shape -= shape.mean()
            centred = part - part.mean()
            slope = float(shape @ centred) / float(shape @ shape)
            cost = _squares(centred - slope * shape)
            if cost < best[2]:
                best = (before, after, cost)
    return best


def _squares(values: _Values) -> float:
    """Return the sum of squares around the mean."""
    return float(((values - values.mean()) ** 2).sum())
