"""Describe which steps carry a change of speed, such as every fifth step. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

_MIN_ERRORS: Final = 4.0
"""Smallest distance between changed and unchanged steps, in standard errors of a step's effect."""

_MIN_GROUP_ERRORS: Final = 6.0
"""Smallest distance between the means of periodic steps and of the others, in standard errors. It
is larger than for single steps, because all periods are tried."""

_LONGEST_PERIOD: Final = 20
"""Largest distance of periodic steps that are looked for by their mean."""

_MIN_GAP: Final = 0.02
"""Smallest distance between changed and unchanged steps, on the log scale."""

_MIN_SHARE: Final = 2 / 3
"""Smallest share of the whole change that changed steps must carry to be named."""

_MAX_STEPS_SHARE: Final = 0.6
"""Largest share of steps that are called a part; a change of more of them is one of all steps."""

_MIN_AGREEMENT: Final = 0.9
"""Smallest share of the changed steps that must agree with a regular distance."""

_ORDINALS: Final = {
    2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth",
    9: "ninth", 10: "tenth",
}  # fmt: skip


def changed_steps(
    step_effects: Sequence[float], error: float, epoch_starts: Collection[int] = ()
) -> str | None:
    """Return in words which steps carry most of a change, None if no part of the steps does.

    Args:
        step_effects: Change of each step, on the log scale.
        error: Standard error of one of them.
        epoch_starts: Indexes of the steps in which the dataset was started again.
    """
    is_slower = sum(map(math.expm1, step_effects)) >= 0
    changes = [effect if is_slower else -effect for effect in step_effects]
    indexes = _upper_group(changes, max(_MIN_ERRORS * error, _MIN_GAP))
    indexes = indexes or _periodic_group(changes, error)
    if not indexes:
        return None
    excess = sum(math.expm1(changes[index]) for index in indexes)
    total = sum(abs(math.expm1(change)) for change in changes)
    if excess < _MIN_SHARE * total:
        return None
    return describe_steps(indexes, len(changes), epoch_starts)


def describe_steps(indexes: Sequence[int], count: int, epoch_starts: Collection[int] = ()) -> str:
    """Return in words which of *count* steps these are.

    Args:
        indexes: Indexes of the steps, ascending, at least one.
        count: Number of measured steps.
        epoch_starts: Indexes of the steps in which the dataset was started again.
    """
    runs = _runs(indexes)
    starts = [run[0] for run in runs]
    length = max(map(len, runs))
    if epoch_starts and set(starts) - {0} == set(epoch_starts) - {0}:
        return (
            "the first step of each epoch"
            if length == 1
            else f"the first {length} steps of each epoch"
        )
    period = _period(starts, count)
    if period is None:
        ones = "ones" if len(indexes) > 1 else "one"
        return f"{len(indexes)} of the {count} measured steps, the same {ones} in each launch"
    if length == 1:
        return f"every {_ORDINALS.get(period) or _ordinal(period)} step"
    return f"bursts of {length} steps, one in {period} steps"


def _upper_group(values: Sequence[float], min_gap: float) -> list[int]:
    """Return the indexes of the values above the widest gap; none if no gap is wide enough.

    Args:
        values: Change of each step, on the log scale.
        min_gap: Smallest width of a gap.
    """
    order = sorted(range(len(values)), key=lambda index: -values[index])
    most = int(_MAX_STEPS_SHARE * len(values))
    gaps = [
        (values[order[size - 1]] - values[order[size]], size)
        for size in range(1, min(most, len(values) - 1) + 1)
    ]
    if not gaps:
        return []
    gap, size = max(gaps)
    return sorted(order[:size]) if gap >= min_gap else []


def _periodic_group(values: Sequence[float], error: float) -> list[int]:
    """Return the indexes, at one distance, whose mean is most clearly above that of the others.

    The mean of many steps is more precise than a single one, so this also finds periodic steps that
    scatter too much to stand apart one by one.

    Args:
        values: Change of each step, on the log scale.
        error: Standard error of one of them.

    Returns:
        The indexes; none if no group is clearly above the others.
    """
    count, total = len(values), sum(values)
    best: tuple[float, list[int]] = (_MIN_GROUP_ERRORS, [])
    for period in range(2, min(_LONGEST_PERIOD, count // 2) + 1):
        for start in range(period):
            indexes = list(range(start, count, period))
            group_sum, size = sum(values[index] for index in indexes), len(indexes)
            gap = group_sum / size - (total - group_sum) / (count - size)
            errors = gap / (error * math.sqrt(1 / size + 1 / (count - size))) if error else math.inf
            if gap >= _MIN_GAP and errors > best[0]:
                best = (errors, indexes)
    return best[1]


def _runs(indexes: Sequence[int]) -> list[list[int]]:
    """Return the runs of consecutive indexes."""
    runs: list[list[int]] = []
    for index in indexes:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _period(starts: Sequence[int], count: int) -> int | None:
    """Return the distance at which *starts* repeat, None if they do not repeat regularly.

    Args:
        starts: Indexes of the first step of each run, ascending.
        count: Number of measured steps.
    """
    if len(starts) < 2:  # noqa: PLR2004 - a distance is between two
        return None
    # A run at the first step may have begun before it, so the place of its start is not known.
    present = set(starts) - {0}
    first = starts[1] if starts[0] == 0 else starts[0]
    for period in range(2, count // 2 + 1):
        expected = set(range(first % period, count, period)) - {0}
        if len(expected & present) / len(expected | present) >= _MIN_AGREEMENT:
            return period
    return None


def _ordinal(number: int) -> str:
    """Return a number above 10 as an ordinal, such as ``21st``."""
    suffixes = {1: "st", 2: "nd", 3: "rd"}
    last = 0 if number // 10 % 10 == 1 else number % 10
    return f"{number}{suffixes.get(last, 'th')}"
