"""Reduce launches to total times that single outliers do not move. Pure, no I/O.

Throughput is samples by total time, so a slowdown in every fifth step counts as much as one that is
spread over all steps. But the total time of a launch also contains single steps in which the
machine was busy with something else. The two can be told apart: all launches take the same steps
with the same seed, so a slow step of the training stands at the same number in each launch, and a
busy moment of the machine does not.

Logarithms of step times form a table of launches and step numbers. Median polish (J. W. Tukey,
Exploratory Data Analysis, 1977) splits it into a level of each launch, an effect of each step
number, and residuals. Residuals beyond three standard deviations are clipped (P. J. Huber, Annals
of Mathematical Statistics 35, 1964), and the table is put together again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Table: TypeAlias = NDArray[np.float64]
"""Logarithms of shape ``[..., launches, steps]``, one table for each index of the leading axes."""

_CLIP: Final = 3.0
"""Number of standard deviations at which residuals are clipped."""

_SWEEPS: Final = 2

_MAD_TO_SPREAD: Final = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""


@dataclass(frozen=True)
class Fit:
    """Table split into effects.

    Attributes:
        levels: Level of each launch, of shape ``[..., launches, 1]``.
        step_effects: Effect of each step number, of shape ``[..., 1, steps]``.
        residuals: Remaining differences, of shape ``[..., launches, steps]``.
        spread: Standard deviation of the residuals, by their median absolute deviation, of shape
            ``[..., 1, 1]``.
    """

    levels: Table
    step_effects: Table
    residuals: Table
    spread: Table

    @property
    def clipped(self) -> Table:
        """Return the table with its residuals clipped."""
        limit = _CLIP * self.spread
        return self.levels + self.step_effects + np.clip(self.residuals, -limit, limit)

    @property
    def typical_steps(self) -> tuple[float, ...]:
        """Return the effect of each step with the mean level of the launches, of a single table."""
        return tuple(map(float, self.step_effects[0] + np.mean(self.levels)))

    @property
    def step_error(self) -> float:
        """Return the standard error of a step effect of a single table.

        The effect is a median, whose variance is pi / 2 times that of the mean of many normal
        values.
        """
        return float(np.sqrt(np.pi / 2 / len(self.levels)) * np.squeeze(self.spread))


@dataclass(frozen=True)
class Totals:
    """Mean step times, one for each launch, or their ratios, one for each pair, as logarithms.

    Attributes:
        repeatable: Those of the table with clipped residuals. Differences that stand at the same
            steps in all launches count in full, single outliers do not.
        plain: Those of the steps as they were measured.
        typical_steps: Typical value of each step; for pairs, that of the ratio of their sides.
        step_error: Standard error of one of the typical steps.
    """

    repeatable: tuple[float, ...]
    plain: tuple[float, ...]
    typical_steps: tuple[float, ...]
    step_error: float


def fit(table: Table) -> Fit:
    """Split a table into launch levels, step effects and residuals by median polish.

    Args:
        table: Logarithms, at least one launch and one step.
    """
    step_effects = np.zeros((*table.shape[:-2], 1, table.shape[-1]))
    for _ in range(_SWEEPS):
        levels = _medians(table - step_effects, axis=-1)
        step_effects = _medians(table - levels, axis=-2)
    residuals = table - levels - step_effects
    in_one_row = np.abs(residuals).reshape(*table.shape[:-2], 1, -1)
    return Fit(levels, step_effects, residuals, _MAD_TO_SPREAD * _medians(in_one_row, axis=-1))


def _medians(table: Table, axis: int) -> Table:
    """Return the medians along an axis, which stays with length 1.

    ``numpy.median`` takes several times as long for small tables, of which simulations fit many.
    """
    ordered = np.sort(table, axis=axis)
    count = table.shape[axis]
    low = ordered.take([(count - 1) // 2], axis)
    return low if count % 2 else (low + ordered.take([count // 2], axis)) / 2


def launch_totals(log_steps: Sequence[Sequence[float]]) -> Totals:
    """Return the mean step time of each launch.

    Args:
        log_steps: Logarithms of the step times, for each launch of one side; each has as many.
    """
    table = np.array(log_steps)
    table_fit = fit(table)
    return Totals(
        repeatable=tuple(map(float, _log_means(table_fit.clipped))),
        plain=tuple(map(float, _log_means(table))),
        typical_steps=table_fit.typical_steps,
        step_error=table_fit.step_error,
    )


def pair_totals(candidate: Sequence[Sequence[float]], base: Sequence[Sequence[float]]) -> Totals:
    """Return the ratio of the mean step times of each pair, candidate by base.

    Args:
        candidate: Logarithms of the candidate's step times, for each pair.
        base: Logarithms of the base's step times, as many.
    """
    candidate_table, base_table = np.array(candidate), np.array(base)
    ratio_fit = fit(candidate_table - base_table)
    repeatable, plain = pair_log_ratios(candidate_table, base_table)
    return Totals(
        repeatable=tuple(map(float, repeatable)),
        plain=tuple(map(float, plain)),
        typical_steps=ratio_fit.typical_steps,
        step_error=ratio_fit.step_error,
    )


def pair_log_ratios(candidate: Table, base: Table) -> tuple[Table, Table]:
    """Return log ratios of mean step times, as the pairs have them in common and as measured.

    Two steps with the same number, one of each side, were taken a moment apart, so their ratio is
    free of most of the machine's changes. The ratios form a table. Its clipped form and the typical
    time of each step number give the mean step times of both sides.

    Args:
        candidate: Logarithms of the candidate's step times, of shape ``[..., pairs, steps]``.
        base: Logarithms of the base's step times, of the same shape.

    Returns:
        Two arrays of shape ``[..., pairs]``.
    """
    half_ratios = fit(candidate - base).clipped / 2
    # The typical steps are those of both sides together, so that exchanging the sides changes
    # nothing but the sign of the result.
    typical_steps = fit((candidate + base) / 2).step_effects
    repeatable = _log_means(typical_steps + half_ratios) - _log_means(typical_steps - half_ratios)
    return repeatable, _log_means(candidate) - _log_means(base)


def common_steps(rows: Sequence[Sequence[float]], offsets: Sequence[int]) -> list[Sequence[float]]:
    """Return the part of each row that has the same step numbers in all rows.

    Args:
        rows: One value per step, for each launch.
        offsets: Number of steps that each launch took before these.

    Returns:
        The rows, all of the same length. If they have no step number in common, their first steps.
    """
    first = max(offsets)
    last = min(offset + len(row) for row, offset in zip(rows, offsets, strict=True))
    if last <= first:
        length = min(map(len, rows))
        return [row[:length] for row in rows]
    return [row[first - offset : last - offset] for row, offset in zip(rows, offsets, strict=True)]


def _log_means(table: Table) -> Table:
    """Return the logarithm of the mean of the exponentials of each row."""
    return np.asarray(np.log(np.mean(np.exp(table), axis=-1)), dtype=np.float64)
