"""Simulated step times of a duet on a shared machine, by the machine's habit.

A habit is a way in which a shared machine's speed changes over time. Both sides of the simulated
duets are equally fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Shape: TypeAlias = tuple[int, ...]
Seconds: TypeAlias = NDArray[np.float64]
LogFactors: TypeAlias = NDArray[np.float64]
Habit: TypeAlias = Callable[[np.random.Generator, Shape], LogFactors]
"""Function of a generator and a shape, whose last axis is time. It returns the log of the factor by
which the machine lengthens each step."""

ROUNDS: Final = 16
"""Rounds of one pair, each of four turns in the order A B B A, with one step a turn."""

PAIRS: Final = 12
"""Pairs of one comparison."""

_STEP_SECONDS: Final = 0.15

_LAUNCH_SPREAD: Final = 0.015
"""Standard deviation of the log of one launch's level: each launch gets other memory addresses."""

_STEP_SPREAD: Final = 0.05
"""Standard deviation of the log of single steps."""


def step_seconds(habit: str, comparisons: int, seed: int) -> Seconds:
    """Return the step seconds of simulated duets of equally fast sides.

    Args:
        habit: Habit of the machine, a key of ``HABITS``.
        comparisons: Number of comparisons.
        seed: Seed of the random numbers.

    Returns:
        Seconds of shape ``[comparisons, PAIRS, 2, 2 * ROUNDS]``; the third axis is candidate and
        base. Which side takes the first turn changes from pair to pair.
    """
    generator = np.random.default_rng(seed)
    shape = (comparisons, PAIRS, 4 * ROUNDS)
    log_factors = HABITS[habit](generator, shape) + generator.normal(0, _STEP_SPREAD, shape)
    rounds = np.exp(np.log(_STEP_SECONDS) + log_factors).reshape(comparisons, PAIRS, ROUNDS, 4)
    outer_turns, inner_turns = rounds[..., [0, 3]], rounds[..., [1, 2]]
    base_first = (np.arange(PAIRS) % 2 == 1)[None, :, None, None]
    sides = np.stack(
        [
            np.where(base_first, inner_turns, outer_turns),
            np.where(base_first, outer_turns, inner_turns),
        ],
        axis=2,
    ).reshape(comparisons, PAIRS, 2, 2 * ROUNDS)
    launch_level = np.exp(generator.normal(0, _LAUNCH_SPREAD, (comparisons, PAIRS, 2, 1)))
    return np.asarray(sides * launch_level, dtype=np.float64)


def pair_log_ratios(seconds: Seconds) -> NDArray[np.float64]:
    """Return the log ratio of each pair, as ``traingate.gate.statistics.pair_log_ratio`` does.

    Args:
        seconds: Step seconds as ``step_seconds`` returns them.

    Returns:
        Log ratios of shape ``[comparisons, PAIRS]``.
    """
    logs = np.log(seconds[:, :, 0]) - np.log(seconds[:, :, 1])
    rounds = logs.reshape(*logs.shape[:2], ROUNDS, 2).mean(axis=-1)
    return np.asarray(np.median(rounds, axis=-1), dtype=np.float64)


def _quiet(_generator: np.random.Generator, shape: Shape) -> LogFactors:
    return np.zeros(shape)


def _drift(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return a random slope and a random walk."""
    slope = generator.uniform(-0.5, 0.5, (*shape[:-1], 1))
    walk = np.cumsum(generator.normal(0, 0.01, shape), axis=-1)
    return np.asarray(slope * np.linspace(0, 1, shape[-1]) + walk, dtype=np.float64)


def _steal_bursts(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return short spells in which the hypervisor gives the cores to others."""
    return _spells(generator, shape, 0.03, 0.3) * generator.uniform(0.3, 0.9, shape)


def _outliers(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return single steps, one of twenty, that take several times as long."""
    is_outlier = generator.random(shape) < 0.05  # noqa: PLR2004 - one of twenty
    return np.asarray(is_outlier * np.log1p(generator.exponential(1.0, shape)), dtype=np.float64)


def _autocorrelation(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return a stationary first-order autoregressive process."""
    coefficient, spread = 0.9, 0.15
    values = np.empty(shape)
    values[..., 0] = generator.normal(0, spread, shape[:-1])
    innovation_spread = spread * np.sqrt(1 - coefficient**2)
    for step in range(1, shape[-1]):
        innovation = generator.normal(0, innovation_spread, shape[:-1])
        values[..., step] = coefficient * values[..., step - 1] + innovation
    return values


def _order_effect(_generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return a loss in every second turn: in A B B A, of the side that has just waited."""
    turn = np.arange(shape[-1])
    return np.broadcast_to(0.08 * (turn % 2 == 1), shape)


def _noisy_neighbour(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return long spells in which steps take 1.75 times as long."""
    return np.asarray(_spells(generator, shape, 0.1, 0.1) * np.log(1.75), dtype=np.float64)


def _spells(
    generator: np.random.Generator, shape: Shape, begin: float, end: float
) -> NDArray[np.bool_]:
    """Return whether each step falls into a spell; spells begin and end by chance.

    Args:
        generator: Source of the random numbers.
        shape: Shape of the result; time is the last axis.
        begin: Probability per step that a spell begins.
        end: Probability per step that a spell ends.
    """
    in_spell = np.zeros(shape, dtype=bool)
    in_spell[..., 0] = generator.random(shape[:-1]) < begin / (begin + end)
    for step in range(1, shape[-1]):
        chance = generator.random(shape[:-1])
        in_spell[..., step] = np.where(in_spell[..., step - 1], chance >= end, chance < begin)
    return in_spell


HABITS: Final[Mapping[str, Habit]] = {
    "quiet": _quiet,
    "drift": _drift,
    "steal bursts": _steal_bursts,
    "outliers": _outliers,
    "autocorrelation": _autocorrelation,
    "order effect": _order_effect,
    "noisy neighbour": _noisy_neighbour,
}
